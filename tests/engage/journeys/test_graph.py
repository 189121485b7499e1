"""What may be published, and how each fault is told to the person who drew the journey."""

from typing import Any
from uuid import UUID

import pytest

from connect import events as outside
from core import ids
from engage.journeys import graph
from engage.journeys.errors import JourneyInvalid
from tests.engage.conftest import Scene, both_branches, gift, journey, say


def faults(raw: Any) -> dict[str, str]:
    with pytest.raises(JourneyInvalid) as refused:
        graph.parse(raw)
    return {error["pointer"]: error["detail"] for error in refused.value.facts["errors"]}


def with_step(name: str, **changes: Any) -> dict[str, Any]:
    raw = both_branches(ids.new())
    raw["steps"][name] = {**raw["steps"][name], **changes}
    return raw


def test_the_journey_of_the_issue_can_be_published() -> None:
    assert graph.parse(both_branches(ids.new())).first == "gift"


@pytest.mark.parametrize("raw", [None, [], "text", {}, {"trigger": [], "first": [], "steps": []}])
def test_what_is_no_journey_at_all_is_refused(raw: Any) -> None:
    assert faults(raw)


def test_an_unknown_field_of_our_own_event_is_refused_with_those_it_has() -> None:
    raw = both_branches(ids.new())
    raw["trigger"]["where"] = {"field": "totl_minor", "is": "at_least", "value": 1}

    detail = faults(raw)["/trigger/where/field"]

    assert "no field “totl_minor”" in detail
    assert "total_minor" in detail


def test_an_event_from_outside_may_have_any_field() -> None:
    assert outside.OutsideTrack.name == "outside.track"
    raw = journey("bye", {"bye": {"kind": "exit"}})
    where = {"field": "properties.sku", "is": "equals", "value": "A1"}
    raw["trigger"] = {"event": "outside.track", "where": where}

    assert graph.parse(raw).entry.event == "outside.track"


@pytest.mark.parametrize("event", ["", "Order Completed", "order", 3, None, ["order.completed"]])
def test_a_trigger_names_an_event(event: Any) -> None:
    raw = both_branches(ids.new())
    raw["trigger"]["event"] = event

    assert "/trigger/event" in faults(raw)


@pytest.mark.parametrize(
    ("step", "changes", "pointer"),
    [
        ("gift", {"kind": "teleport"}, "/steps/gift/kind"),
        ("gift", {"campaign_id": "abc"}, "/steps/gift/campaign_id"),
        ("gift", {"next": "nowhere"}, "/steps/gift/next"),
        ("gift", {"next": ["tell"]}, "/steps/gift/next"),
        ("gift", {"colour": "red"}, "/steps/gift/colour"),
        ("tell", {"channel": "pigeon"}, "/steps/tell/channel"),
        ("tell", {"channel": []}, "/steps/tell/channel"),
        ("tell", {"channel": ["sms", "sms"]}, "/steps/tell/channel"),
        ("tell", {"purpose": "spam"}, "/steps/tell/purpose"),
        ("tell", {"template": {"body": "Hi"}}, "/steps/tell/template/title"),
        ("tell", {"template": {"title": "Hi"}}, "/steps/tell/template/body"),
        ("tell", {"template": "Hi"}, "/steps/tell/template"),
        ("wait", {"timeout_seconds": 0}, "/steps/wait/timeout_seconds"),
        ("wait", {"timeout_seconds": "7 days"}, "/steps/wait/timeout_seconds"),
        ("wait", {"timeout_seconds": True}, "/steps/wait/timeout_seconds"),
        ("wait", {"timeout_seconds": None}, "/steps/wait/timeout_seconds"),
        ("wait", {"for_event": None}, "/steps/wait/for_event"),
    ],
)
def test_a_faulty_step_is_named_where_it_stands(step: str, changes: dict[str, Any], pointer: str) -> None:
    assert pointer in faults(with_step(step, **changes))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{{ voucher.secret }}", "does not know voucher.secret"),
        ("{{ customer }}", "does not know customer"),
        ("{{ voucher[customer.locale] }}", "does not know"),
        ("{{ voucher.code", "cannot be rendered"),
        ("{% include 'secrets' %}", "cannot be rendered"),
        ("{{ voucher.code | shout }}", "cannot be rendered"),
        ("{% for i in (1..999999999) reversed %}x{% endfor %}", "the tag for cannot be used"),
        ("{{ (1..999999999) | join: 'x' }}", "the filter join cannot be used"),
        ("{% if false %}{{ voucher.code | replace: 'a', 'aaaa' }}{% endif %}", "the filter replace cannot be used"),
        ("{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 20, "cannot be rendered"),
    ],
)
def test_a_template_is_checked_and_tried_before_it_is_published(body: str, told: str) -> None:
    detail = faults(with_step("tell", template={"title": "Hi", "body": body}))["/steps/tell/template/body"]

    assert told in detail


def test_a_message_cannot_name_a_voucher_that_may_not_have_been_issued() -> None:
    raw = with_step("gift", on_refused="tell")

    told = faults(raw)

    assert "names a voucher" in told["/steps/tell"]
    assert "waits for a voucher" in told["/steps/wait"]


def test_a_loop_needs_a_wait() -> None:
    spinning = journey("a", {"a": say("A", next="b"), "b": say("B", next="a")})
    slow = journey("a", {"a": say("A", next="w"), "w": {"kind": "wait", "timeout_seconds": 60, "on_timeout": "a"}})

    assert faults(spinning).keys() == {"/steps/a", "/steps/b"}
    assert graph.parse(slow)


def test_every_step_can_be_reached() -> None:
    assert faults(journey("a", {"a": say("A"), "b": say("B")})).keys() == {"/steps/b"}


def test_every_fault_is_told_at_once() -> None:
    raw = with_step("tell", channel="pigeon", purpose="spam")
    raw["re_entry"] = "often"

    assert faults(raw).keys() >= {"/steps/tell/channel", "/steps/tell/purpose", "/re_entry"}


def test_re_entry_takes_a_field_of_the_trigger() -> None:
    raw = both_branches(ids.new())
    raw["re_entry"] = {"once_per": "basket_id"}

    assert "no field “basket_id”" in faults(raw)["/re_entry/once_per"]


def test_a_campaign_must_exist(scene: Scene) -> None:
    with pytest.raises(JourneyInvalid) as refused:
        scene.publish(journey("gift", {"gift": gift(UUID(int=7))}))

    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/graph/steps/gift/campaign_id"]
