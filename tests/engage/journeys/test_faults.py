"""Each fault that the author of a journey can make, where it is shown, and the words that it is told in."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.journeys import graph, ready
from engage.journeys.errors import JourneyInvalid
from tests.engage.journeys.test_ready import filled

#: Fixed, since it stands in the names of tests.
CAMPAIGN = "01a20390-82ec-718f-868e-2145baf449fe"


def drawn() -> dict[str, Any]:
    """A journey with a step of each kind, and without fault."""
    said = {"title": "Hi", "body": "Hi"}
    return {
        "entry": {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": 1}},
        "audience": {"profile": "orders", "is": "at_least", "value": 1},
        "re_entry": {"once_per": "order_id"},
        "max_lateness_seconds": 3600,
        "purpose": "marketing",
        "goal": {"event": "order.completed", "within_seconds": 86400},
        "exit_when": [{"event": "payment.refunded"}, {"segment": "lapsed", "on": "entered"}],
        "first": "which",
        "steps": {
            "which": {
                "kind": "branch",
                "paths": [{"when": {"profile": "orders", "is": "at_least", "value": 3}, "to": "try"}],
                "else": "share",
            },
            "try": {
                "kind": "ab",
                "variants": [{"name": "a", "bps": 5000, "to": "gift"}, {"name": "b", "bps": 5000, "to": "card"}],
            },
            "share": {
                "kind": "split",
                "paths": [{"name": "a", "bps": 1000, "to": "credit"}, {"name": "b", "bps": 9000, "to": "note"}],
            },
            "gift": {"kind": "issue_voucher", "campaign_id": CAMPAIGN, "next": "tell"},
            "card": {"kind": "issue_gift_card", "campaign_id": CAMPAIGN, "next": "tell"},
            "tell": {
                "kind": "message", "channel": ["push", "sms"], "quiet": "skip", "at": "09:00", "next": "wait",
                "template": {"title": "Yours", "body": "{{ voucher.code }}"},
            },
            "wait": {
                "kind": "wait", "for_event": "order.completed", "timeout_seconds": 60, "look_back_seconds": 60,
                "same_key": "order_id", "on_event": "bye", "on_timeout": "morning",
            },
            "morning": {"kind": "wait_until", "local_time": "09:00", "next": "bye"},
            "credit": {"kind": "credit", "amount_minor": 500, "currency": "USD", "days": 30, "next": "note"},
            "note": {"kind": "update_trait", "name": "seen", "value": True, "next": "staff"},
            "staff": {"kind": "notify_staff", "text": "Look", "next": "call"},
            "call": {"kind": "webhook", "target_id": CAMPAIGN, "fields": ["order_id"], "next": "say"},
            "say": {"kind": "message", "channel": "sms", "template": said, "next": "bye"},
            "bye": {"kind": "exit", "reason": "done"},
        },
    }  # fmt: skip


def changed(place: str, value: Any) -> dict[str, Any]:
    raw = deepcopy(drawn())
    *way, last = place.strip("/").split("/")
    here: Any = raw
    for part in way:
        here = here[int(part)] if isinstance(here, list) else here[part]
    if isinstance(here, list):
        here[int(last)] = value
    else:
        here[last] = value
    return raw


def faults(raw: Any) -> dict[str, str]:
    with pytest.raises(JourneyInvalid) as refused:
        graph.parse(raw)
    return {error["pointer"]: error["detail"] for error in refused.value.facts["errors"]}


@pytest.mark.parametrize(
    ("place", "value", "pointer", "words"),
    [
        ("/entry", {}, "/entry", "one of “event”, “segment”, “date” or “door”"),
        ("/entry", {"event": "order.completed", "segment": "x"}, "/entry", "one of"),
        ("/entry", "order.completed", "/entry", "one of"),
        ("/entry/event", "Order", "/entry/event", "the name of an event"),
        ("/entry/where", {"field": "totl_minor", "is": "present"}, "/entry/where/field", "no field “totl_minor”"),
        ("/entry", {"segment": 3}, "/entry/segment", "text"),
        ("/entry", {"segment": "x", "on": "joined"}, "/entry/on", "“entered” or “left”"),
        ("/entry", {"date": "birthday", "at": "9"}, "/entry/at", "such as “09:00”"),
        ("/entry", {"date": "birthday", "at": "24:00"}, "/entry/at", "such as “09:00”"),
        ("/entry", {"date": "birthday", "days_before": 61}, "/entry/days_before", "0 to 60"),
        ("/entry", {"door": "No Blanks"}, "/entry/door", "small letters"),
        ("/entry", {"door": "x1", "at": "09:00"}, "/entry/at", "not known here"),
        ("/trigger", {"event": "order.completed"}, "/entry", "not known here"),
        ("/audience", {"trait": "plan"}, "/audience/is", "missing"),
        ("/re_entry", "often", "/re_entry", "“never”, “after_exit”"),
        ("/re_entry", {"after_seconds": 0}, "/re_entry/after_seconds", "whole number of seconds"),
        ("/re_entry", {"once_per": "order"}, "/re_entry/once_per", "Did you mean “order_id”?"),
        ("/re_entry", "never", "/steps/wait/same_key", "no key to compare with"),
        ("/max_lateness_seconds", 0, "/max_lateness_seconds", "at most 30 days"),
        ("/max_lateness_seconds", "1 day", "/max_lateness_seconds", "whole number"),
        ("/purpose", "spam", "/purpose", "transactional, marketing"),
        ("/goal/within_seconds", 2592001, "/goal/within_seconds", "at most 30 days"),
        ("/goal", {"within_seconds": 5}, "/goal/event", "missing"),
        ("/goal", [], "/goal", "object"),
        ("/exit_when", {}, "/exit_when", "list of at most 10"),
        ("/exit_when", [{}] * 11, "/exit_when", "list of at most 10"),
        ("/exit_when/0", {"where": {}}, "/exit_when/0/event", "missing"),
        ("/exit_when/1", {"segment": "x", "event": "a.b"}, "/exit_when/1/event", "not known here"),
        ("/first", "wich", "/first", "There is no step “wich”. Did you mean “which”?"),
        ("/first", ["which"], "/first", "name of a step"),
        ("/steps", {}, "/steps", "1 to 100 steps"),
        ("/steps/@x", {"kind": "exit"}, "/steps/@x", "does not begin with “@”"),
        ("/steps/" + "x" * 101, {"kind": "exit"}, "/steps/" + "x" * 101, "1 to 100 characters"),
        ("/steps/lost", {"kind": "exit"}, "/steps/lost", "No branch leads to this step"),
        ("/steps/gift/kind", "issue_vouchr", "/steps/gift/kind", "Did you mean “issue_voucher”?"),
        ("/steps/gift/kind", 3, "/steps/gift/kind", "Must be one of"),
        ("/steps/gift/campaign_id", "abc", "/steps/gift/campaign_id", "id of a campaign"),
        ("/steps/gift/next", "tel", "/steps/gift/next", "Did you mean “tell”?"),
        ("/steps/gift/on_refused", "tell", "/steps/tell", "names a voucher"),
        ("/steps/which/paths", [], "/steps/which/paths", "1 to 20 paths"),
        ("/steps/which/paths/0", {"to": "try"}, "/steps/which/paths/0/when", "missing"),
        ("/steps/which/paths/0/when", {"profil": "orders"}, "/steps/which/paths/0/when", "profile"),
        (
            "/steps/which/paths/0/when",
            {"field": "total", "is": "present"},
            "/steps/which/paths/0/when/field",
            "no field",
        ),
        ("/steps/which/paths/0/to", "tri", "/steps/which/paths/0/to", "Did you mean “try”?"),
        ("/steps/which/else", "shar", "/steps/which/else", "Did you mean “share”?"),
        ("/steps/try/variants", [{"name": "a", "bps": 9999}], "/steps/try/variants", "2 to 10 variants"),
        ("/steps/try/variants/0/bps", 4000, "/steps/try/variants", "come to 90 %, and must come to 100 %"),
        ("/steps/try/variants/0/name", "b", "/steps/try/variants", "stands there twice"),
        ("/steps/try/sticky", "yes", "/steps/try/sticky", "true or false"),
        ("/steps/share/paths/0/bps", 0, "/steps/share/paths/0/bps", "basis points, 1 to 9999"),
        ("/steps/tell/channel", "fax", "/steps/tell/channel", "in the order to try"),
        ("/steps/tell/quiet", "shout", "/steps/tell/quiet", "hold, skip, pass"),
        ("/steps/tell/at", "noon", "/steps/tell/at", "such as “09:00”"),
        ("/steps/tell/template", {"title": "x", "body": "{{ event.basket }}"}, "/steps/tell/template/body", "basket"),
        ("/steps/tell/template_id", CAMPAIGN, "/steps/tell/template", "not both"),
        ("/steps/say", {"kind": "message", "channel": "sms"}, "/steps/say/template", "“template_id”"),
        ("/steps/wait/look_back_seconds", 10**9, "/steps/wait/look_back_seconds", "at most 90 days"),
        ("/steps/wait/same_key", "order", "/steps/wait/same_key", "Did you mean “order_id”?"),
        ("/steps/wait/for_event", None, "/steps/wait/for_event", "Say which event"),
        ("/steps/morning/local_time", "25:00", "/steps/morning/local_time", "such as “09:00”"),
        ("/steps/morning/days", -1, "/steps/morning/days", "0 to 400"),
        ("/steps/morning/in", "moon", "/steps/morning/in", "“customer” or “brand”"),
        ("/steps/morning/date_of", "birthday", "/steps/morning/date_of", "sealed"),
        ("/steps/morning/next", "by", "/steps/morning/next", "Did you mean “bye”?"),
        ("/steps/credit/amount_minor", 0, "/steps/credit/amount_minor", "an amount"),
        ("/steps/credit/currency", "points", "/steps/credit/currency", "currency"),
        ("/steps/credit/days", 4000, "/steps/credit/days", "whole number of days"),
        ("/steps/note/name", "e-mail", "/steps/note/name", "letters, digits"),
        ("/steps/note/name", "email", "/steps/note", "tells who somebody is"),
        ("/steps/note/value", "ana@example.com", "/steps/note", "tells who somebody is"),
        ("/steps/note/value", {"a": 1}, "/steps/note/value", "text of at most 64 characters"),
        ("/steps/staff/text", " ", "/steps/staff/text", "1 to 500 characters"),
        ("/steps/call/target_id", "crm", "/steps/call/target_id", "id of a target"),
        ("/steps/call/fields", "order_id", "/steps/call/fields", "list of at most 20 fields"),
        ("/steps/call/fields", [{}], "/steps/call/fields", "list of at most 20 fields"),
        ("/steps/call/fields/0", "order", "/steps/call/fields/0", "Did you mean “order_id”?"),
        ("/steps/bye/reason", "", "/steps/bye/reason", "1 to 100 characters"),
        ("/steps/say/next", "staff", "/steps/say", "without any wait between"),
    ],
)
def test_a_fault_is_shown_where_it_stands_and_told_in_words(place: str, value: Any, pointer: str, words: str) -> None:
    told = faults(changed(place, value))

    assert pointer in told, told
    assert words in told[pointer]


def test_the_journey_that_the_faults_are_made_in_has_none() -> None:
    assert graph.parse(drawn()).re_entry.field == "order_id"


_WORDS = st.sampled_from(
    [
        "entry", "event", "segment", "date", "door", "branch", "ab", "credit", "when", "to", "all", "not", "field",
        "trait", "birthday", "09:00", "order.completed", "outside.track", "once_per", "kind", "message", "tell",
    ]
)  # fmt: skip
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _WORDS
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4))


def places(raw: Any, path: str = "") -> list[str]:
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else []
    return [path, *(place for name, value in inner for place in places(value, f"{path}/{name}"))]


_PLACES = [place for place in places(drawn()) if place]


@settings(max_examples=400, deadline=None, database=None)
@given(place=st.sampled_from(_PLACES), value=_JSON)
def test_any_value_at_any_place_is_taken_or_refused(place: str, value: Any) -> None:
    try:
        graph.parse(changed(place, value))
    except JourneyInvalid as refused:
        assert refused.facts["errors"]
        assert all(error["detail"] for error in refused.facts["errors"])


@settings(max_examples=100, deadline=None, database=None)
@given(value=_JSON)
def test_no_json_at_all_makes_it_raise(value: Any) -> None:
    with pytest.raises(JourneyInvalid):
        graph.parse(value)


def test_a_ready_made_journey_has_no_fault_either() -> None:
    assert all(graph.parse(filled(one)).steps for one in ready.every())
