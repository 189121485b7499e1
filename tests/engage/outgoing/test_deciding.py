"""Whether and how a letter goes out, decided over a world in memory: no database, no clock, no chance."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.contacts import Contact, PushAddress
from core import crypto, ids
from core.settings import Settings
from engage.consents import Consents
from engage.contacting import policy
from engage.contacting.caps import Caps
from engage.outgoing import Decided, Sent, Skipped, World, decide, foresee
from engage.templates.embeds import Embed
from rewards.discounts import AmountOff, FreeItem, PercentageOff
from tests.engage.outgoing.posting import letter

NOON = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)  # in New York, the brand's zone
NIGHT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
QUIET = {"quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "sms"]}}
WHO = ids.new()

SMS = {"sms": {"en": {"body": "Hi"}}}
PUSH = {"push": {"en": {"title": "Hi", "body": "There"}}}
MAIL = {"email": {"en": {"subject": "Hi", "body": "There"}}}


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    crypto.load_keys(Settings())
    yield


def contact(**more: Any) -> Contact:
    facts: dict[str, Any] = {
        "customer_id": WHO, "status": "active", "phone": "+12125550100", "phone_index": b"index", "email": None,
        "locale": "en", "time_zone": None, "push": (), **more,
    }  # fmt: skip
    return Contact(**facts)


def devices(*seen_days_ago: int, now: datetime = NOON) -> tuple[PushAddress, ...]:
    return tuple(
        PushAddress(device_row=ids.new(), platform="ios", token=f"token-{days}", seen_at=now - timedelta(days=days))
        for days in seen_days_ago
    )


def world(terms: dict[str, Any] | None = None, *, now: datetime = NOON, says_no: bool = False, **more: Any) -> World:
    """Of one customer, who allows every channel."""
    holds = policy.parse(terms or {})
    said = {(WHO, channel, "marketing"): not says_no for channel in ("push", "sms", "whatsapp", "email")}
    who = more.pop("who", contact())
    return World(now=now, policy=holds, caps=Caps(holds, now), contacts={WHO: who}, said=Consents(said), **more)


def voucher(*, expires_at: datetime | None = None, discount: Any = AmountOff(500)) -> Embed:  # noqa: B008 - immutable
    return Embed(ids.new(), "ABCDEFGHJKMNPQRS", expires_at, "USD", discount)


def sent(decided: Decided) -> Sent:
    assert isinstance(decided, Sent), decided.reasons
    return decided


def codes(decided: Decided) -> list[tuple[str, str | None]]:
    return [(reason["code"], reason.get("channel")) for reason in decided.reasons]


def test_the_same_letter_in_the_same_world_is_the_same_letter() -> None:
    one = letter(WHO, {"sms": {"en": {"body": "https://a.example {{ voucher.link }}"}}}, voucher=voucher())

    assert decide(world(), one) == decide(world(), one)


def test_the_first_channel_that_is_allowed_and_reaches_is_taken() -> None:
    raw = {**PUSH, **MAIL, **SMS}
    who = contact(push=devices(0, 3))

    by_sms = sent(decide(world(), letter(WHO, raw, channels=("push", "email", "sms"))))
    by_push = sent(decide(world(who=who), letter(WHO, raw, channels=("push", "email", "sms"))))

    assert (by_sms.channel, codes(by_sms)) == ("sms", [("no_device", "push"), ("no_email", "email")])
    assert (by_push.channel, [token for token, _ in by_push.addresses]) == ("push", ["token-0", "token-3"])


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"says_no": True}, "no_consent"),
        ({"opted_out": {(b"index", "sms")}}, "opted_out"),
        ({"who": contact(status="suspended")}, "suspended"),
        ({"who": None}, "no_contact"),
        ({"terms": {"caps": [{"channel": "any", "per": "day", "most": 0}]}}, "capped"),
        ({"terms": {"control_bps": 5_000}, "who": contact()}, "control_group"),
    ],
)
def test_what_holds_marketing_back_is_said(given: dict[str, Any], code: str) -> None:
    customer_id = WHO if code != "control_group" else _in_control()
    here = world(given.pop("terms", None), **given) if given.get("who", 1) else World(NOON, *_nothing())

    decided = decide(here, letter(customer_id, SMS))

    assert isinstance(decided, Skipped)
    assert [found for found, _ in codes(decided)] == [code]
    assert decided.outcome == ("held_out" if code == "control_group" else "skipped")


def _nothing() -> tuple[Any, Any]:
    return policy.parse({}), Caps(policy.parse({}), NOON)


def _in_control() -> UUID:
    from engage.contacting import control

    half = policy.parse({"control_bps": 5_000})
    return next(one for one in (ids.new() for _ in range(200)) if control.is_in(half, one))


def test_what_a_customers_own_deed_brings_about_passes_all_but_a_no() -> None:
    terms = {**QUIET, "caps": [{"channel": "any", "per": "day", "most": 0}], "control_bps": 5_000}
    who = contact(status="suspended")
    receipt = letter(WHO, SMS, purpose="transactional", arm="control")

    decided = sent(decide(world(terms, now=NIGHT, who=who, says_no=True), receipt))
    refused = World(NIGHT, *_nothing(), contacts={WHO: who}, said=Consents({(WHO, "sms", "transactional"): False}))

    assert (decided.due_at, decided.marks) == (NIGHT, ())
    assert codes(decide(refused, receipt)) == [("no_consent", "sms")]


@pytest.mark.parametrize(
    ("arm", "purpose"), [("holdout", "marketing"), ("holdout", "transactional"), ("control", "marketing")]
)
def test_those_held_out_get_nothing(arm: str, purpose: str) -> None:
    decided = decide(world(), letter(WHO, SMS, arm=arm, purpose=purpose))

    assert isinstance(decided, Skipped)
    assert decided.outcome == "held_out"


def test_in_quiet_hours_a_letter_is_held_or_skipped_or_passes_as_its_author_chose() -> None:
    decided = {mode: decide(world(QUIET, now=NIGHT), letter(WHO, SMS, quiet=mode)) for mode in ("hold", "skip", "pass")}

    due_at = sent(decided["hold"]).due_at
    assert MORNING <= due_at < MORNING + timedelta(minutes=15)
    [held] = decided["hold"].reasons
    assert (held["code"], held["channel"], held["detail"][-21:]) == ("held", "sms", f"2026-11-22 {due_at:%H:%M} UTC.")
    assert codes(decided["skip"]) == [("quiet", "sms")]
    assert sent(decided["pass"]).due_at == NIGHT


def test_a_channel_that_is_not_quiet_takes_what_a_quiet_one_may_not() -> None:
    who = contact(email="a@b.example", push=devices(0, now=NIGHT))
    channels = ("push", "email")

    decided = sent(
        decide(world(QUIET, now=NIGHT, who=who), letter(WHO, {**PUSH, **MAIL}, channels=channels, quiet="skip"))
    )

    assert (decided.channel, codes(decided)) == ("email", [("quiet", "push")])


@pytest.mark.parametrize(("seconds", "code"), [(-1, "too_late"), (0, "too_late"), (1, None)])
def test_what_is_held_until_its_voucher_has_ended_does_not_go_out(seconds: int, code: str | None) -> None:
    ends = voucher(expires_at=MORNING + timedelta(seconds=seconds))

    decided = decide(world(QUIET, now=NIGHT), letter(WHO, SMS, voucher=ends))

    assert [found for found, _ in codes(decided)] == [code or "held"]
    if code is None:
        assert sent(decided).expires_at == ends.expires_at


def test_what_quiet_hours_held_leaves_bit_by_bit_when_they_are_over() -> None:
    holds, many = policy.parse(QUIET), [ids.new() for _ in range(200)]
    contacts = {each: contact(customer_id=each) for each in many}
    said = Consents({(each, "sms", "marketing"): True for each in many})
    here = World(now=NIGHT, policy=holds, caps=Caps(holds, NIGHT), contacts=contacts, said=said)

    due = sorted(sent(decide(here, letter(each, SMS))).due_at for each in many)

    assert due[0] >= MORNING and due[-1] < MORNING + timedelta(minutes=15)
    in_each = [sum(MORNING + timedelta(minutes=5 * n) <= one < MORNING + timedelta(minutes=5 * n + 5) for one in due)
               for n in range(3)]  # fmt: skip
    assert min(in_each) > 30


def test_throttle_stands_still_in_quiet_hours_and_goes_on_at_its_pace() -> None:
    # Ten minutes before nine in the evening; one a minute.
    begins = datetime(2026, 11, 22, 1, 50, tzinfo=UTC)
    here = world(QUIET, now=begins)
    places = {place: letter(WHO, SMS, due_at=begins + timedelta(minutes=place), paced_from=begins) for place in
              (0, 9, 10, 11, 729, 730)}  # fmt: skip

    due = {place: sent(decide(here, one)).due_at for place, one in places.items()}

    minutes = {place: (at - MORNING) / timedelta(minutes=1) for place, at in due.items()}
    assert (due[0], due[9]) == (begins, begins + timedelta(minutes=9))
    assert [minutes[place] for place in (10, 11, 729)] == [0, 1, 719]
    # Nine in the evening again: it is the next morning's.
    assert minutes[730] == 24 * 60


def test_throttle_that_quiet_hours_do_not_concern_keeps_its_hours() -> None:
    begins = NIGHT
    pushed = letter(WHO, SMS, due_at=begins + timedelta(minutes=5), paced_from=begins, quiet="pass")
    mailed = letter(WHO, MAIL, channels=("email",), due_at=begins + timedelta(minutes=5), paced_from=begins)
    here = world(QUIET, now=begins, who=contact(email="a@b.example"))

    assert [sent(decide(here, one)).due_at for one in (pushed, mailed)] == [begins + timedelta(minutes=5)] * 2


def test_what_speaks_against_a_letter_is_foreseen_and_takes_from_no_cap() -> None:
    here = world({"caps": [{"channel": "any", "per": "day", "most": 1}]})
    with_code = {"sms": {"en": {"body": "{{ voucher.code }}"}}}

    assert [foresee(here, letter(WHO, with_code)) for _ in range(3)] == [None] * 3
    assert sent(decide(here, letter(WHO, SMS)))
    late = foresee(here, letter(WHO, with_code))

    assert late is not None and codes(late) == [("capped", "sms")]
    gone = letter(WHO, with_code, due_at=NOON + timedelta(days=2), expires_at=NOON + timedelta(days=1))
    for one, code in (
        (foresee(world(says_no=True), letter(WHO, with_code)), "no_consent"),
        (foresee(world(), letter(WHO, with_code, arm="holdout")), "held_out"),
        (foresee(world(), gone), "too_late"),
    ):
        assert one is not None and [found for found, _ in codes(one)] == [code]


def test_inbox_shows_a_letter_from_when_it_leaves() -> None:
    now_ = letter(WHO, SMS)
    later = letter(WHO, {"inbox": {"en": {"body": "Hi"}}}, channels=("inbox",), due_at=NOON + timedelta(hours=3))

    assert sent(decide(world(), now_)).item.shown_from == NOON
    assert sent(decide(world(), later)).item.shown_from == NOON + timedelta(hours=3)


def test_a_letter_is_old_news_after_three_days() -> None:
    decided = sent(decide(world(), letter(WHO, SMS, due_at=NOON + timedelta(days=1))))

    assert (decided.due_at, decided.expires_at) == (NOON + timedelta(days=1), NOON + timedelta(days=4))
    assert sent(decide(world(), letter(WHO, SMS, due_at=NOON - timedelta(days=9)))).due_at == NOON


def test_caps_count_over_all_letters_of_a_batch_and_what_does_not_go_out_uses_none_up() -> None:
    here = world({"caps": [{"channel": "any", "per": "day", "most": 1}]})
    long = {"sms": {"en": {"body": "{% if customer.locale %}" + "x" * 1_601 + "{% endif %}"}}}
    failing = {"sms": {"en": {"body": "{{ traits.unknown }}"}}}

    decided = [decide(here, letter(WHO, raw)) for raw in (long, failing, SMS, SMS)]

    assert [[code for code, _ in codes(one)] for one in decided] == [["too_long"], ["template_failed"], [], ["capped"]]
    assert sent(decided[2]).marks == [("any:day", "2026-11-21")]


def test_what_is_held_counts_on_the_day_on_which_it_leaves() -> None:
    here = world({**QUIET, "caps": [{"channel": "any", "per": "day", "most": 1}]}, now=NIGHT)

    assert sent(decide(here, letter(WHO, SMS))).marks == [("any:day", "2026-11-22")]


@pytest.mark.parametrize(("length", "code"), [(1_600, None), (1_601, "too_long")])
def test_a_text_is_sent_whole_or_not_at_all(length: int, code: str | None) -> None:
    decided = decide(world(), letter(WHO, {"sms": {"en": {"body": "x" * length}}}))

    assert [found for found, _ in codes(decided)] == ([code] if code else [])


def test_a_push_whose_payload_would_be_refused_is_not_sent() -> None:
    raw = {"push": {"en": {"title": "Hi", "body": "ж" * 1_000, "deep_link": "brand://" + "ж" * 900}}}

    assert codes(decide(world(who=contact(push=devices(0))), letter(WHO, raw, channels=("push",)))) == [
        ("too_long", "push")
    ]


def test_marketing_leaves_stale_telephones_alone_where_there_is_a_fresher_one() -> None:
    who = contact(push=devices(1, 31))

    marketing, receipt = (
        sent(decide(world(who=who), letter(WHO, PUSH, channels=("push",), purpose=purpose)))
        for purpose in ("marketing", "transactional")
    )

    assert [token for token, _ in marketing.addresses] == ["token-1"]
    assert [token for token, _ in receipt.addresses] == ["token-1", "token-31"]


def test_a_rich_push_says_all_it_has() -> None:
    text = {
        "title": "For {{ customer.locale }}", "body": "{{ voucher.code }}", "image": "https://pics.example/a.png",
        "deep_link": "brand://vouchers", "actions": [{"id": "show", "title": "Show", "link": "brand://show"}],
    }  # fmt: skip
    held, reference = voucher(), ids.new()
    one = letter(WHO, {"push": {"en": text}}, channels=("push",), voucher=held, reference=reference)

    decided = sent(decide(world(who=contact(push=devices(0))), one))

    assert decided.content == {
        "title": "For en",
        "body": "ABCD-EFGH-JKMN-PQRS",
        "data": {"reference": str(reference), "voucher_id": str(held.id)},
        "image": "https://pics.example/a.png",
        "deep_link": "brand://vouchers",
        "actions": [{"id": "show", "title": "Show", "link": "brand://show"}],
    }
    assert dict(decided.item.rich) == {name: decided.content[name] for name in ("image", "deep_link", "actions")}
    assert (decided.item.voucher_id, decided.item.reference) == (held.id, reference)


def test_a_marketing_mail_can_always_be_stopped() -> None:
    who = contact(email="a@b.example")
    page = {"email": {"en": {"subject": "Hi {{ traits.name }}", "body": "Text", "html": "<body><p>Page</p></body>"}}}
    says = {"email": {"en": {"subject": "Hi", "body": "Text {{ links.preferences }}"}}}
    mail = {"channels": ("email",)}

    here = world(who=who, traits={WHO: {"name": "\nyou"}})
    added = sent(decide(here, letter(WHO, page, **mail)))
    said = sent(decide(here, letter(WHO, says, **mail)))
    receipt = sent(decide(here, letter(WHO, page, purpose="transactional", **mail)))

    assert added.content["subject"] == "Hi you"
    [way_out] = [link for link in added.links if link.kind == "preferences"]
    assert (way_out.target, added.content["text"]) == ("email", f"Text\n\nUnsubscribe: {_short(way_out.code)}")
    assert f'<p><a href="{_short(way_out.code)}">Unsubscribe</a></p><img src=' in added.content["html"]
    assert added.content["html"].endswith("</body>")
    assert "/u/" in added.content["unsubscribe_url"]
    assert "Unsubscribe" not in said.content["text"]
    assert "Unsubscribe" not in str(receipt.content)
    assert "unsubscribe_url" not in receipt.content
    assert [link.kind for link in receipt.links] == ["open"]


def _short(code: str) -> str:
    return f"http://127.0.0.1:8000/l/{code}"


def test_the_inbox_needs_no_consent_but_counts() -> None:
    here = world({"caps": [{"channel": "inbox", "per": "day", "most": 1}]}, says_no=True)
    raw = {"inbox": {"en": {"title": "T", "body": "In the app"}}}

    first, second = (decide(here, letter(WHO, raw, channels=("inbox",))) for _ in range(2))

    assert (sent(first).addresses, sent(first).item.body) == ([], "In the app")
    assert codes(second) == [("capped", "inbox")]


def test_a_channel_without_a_text_is_passed_over() -> None:
    decided = sent(decide(world(), letter(WHO, SMS, channels=("whatsapp", "sms"))))

    assert codes(decided) == [("no_wording", "whatsapp")]


@pytest.mark.parametrize(
    ("open_for", "channel"), [(None, "sms"), (timedelta(0), "sms"), (timedelta(seconds=1), "whatsapp")]
)
def test_whatsapp_takes_free_text_while_its_window_is_open(open_for: timedelta | None, channel: str) -> None:
    windows = {} if open_for is None else {WHO: NOON + open_for}
    raw = {"whatsapp": {"en": {"body": "Hello"}}, "sms": {"en": {"body": "Hello"}}}

    decided = sent(decide(world(windows=windows), letter(WHO, raw, channels=("whatsapp", "sms"))))

    assert decided.channel == channel
    assert codes(decided) == ([] if channel == "whatsapp" else [("window_closed", "whatsapp")])


def test_whatsapp_takes_an_approved_template_at_any_time() -> None:
    raw = {"whatsapp": {"en": {"body": "Hello", "content_sid": "HX1", "content_variables": {}}}}

    assert sent(decide(world(), letter(WHO, raw, channels=("whatsapp",)))).content["content_sid"] == "HX1"


def test_what_is_held_until_the_window_is_closed_goes_another_way() -> None:
    raw = {"whatsapp": {"en": {"body": "Hello"}}, "email": {"en": {"subject": "Hi", "body": "Hello"}}}
    terms = {"quiet": {"from": "21:00", "to": "09:00", "channels": ["whatsapp"]}}
    here = world(terms, now=NIGHT, who=contact(email="ada@example.com"), windows={WHO: NIGHT + timedelta(hours=1)})

    decided = sent(decide(here, letter(WHO, raw, channels=("whatsapp", "email"))))

    assert decided.channel == "email"
    assert ("window_closed", "whatsapp") in codes(decided)


def test_a_letter_is_written_in_its_readers_language_and_numbers() -> None:
    raw = {"sms": {"en": {"body": "Save {{ voucher.worth }} until {{ voucher.expires }}"},
                   "fr": {"body": "{{ voucher.worth }} jusqu’au {{ voucher.expires }}"}}}  # fmt: skip
    held = voucher(expires_at=datetime(2026, 12, 1, 2, 0, tzinfo=UTC))

    told = {
        locale: sent(decide(world(who=contact(locale=locale, time_zone=zone)), letter(WHO, raw, voucher=held))).content
        for locale, zone in (("en-US", "America/New_York"), ("fr-FR", "Europe/Paris"), (None, None))
    }

    assert told["en-US"] == {"body": "Save $5.00 until Nov 30, 2026"}
    assert told["fr-FR"] == {"body": "5,00\N{NO-BREAK SPACE}$US jusqu’au 1 déc. 2026"}
    assert told[None] == {"body": "Save $5.00 until Nov 30, 2026"}


@pytest.mark.parametrize(
    ("discount", "worth"),
    [(PercentageOff(1_500, None), "15%"), (PercentageOff(1_250, None), "12.5%"), (FreeItem("cup"), None)],
)
def test_what_has_no_worth_before_a_basket_is_there_is_not_told_as_nothing(discount: Any, worth: str | None) -> None:
    raw = {"sms": {"en": {"body": "{{ voucher.worth }}"}}}

    decided = decide(world(), letter(WHO, raw, voucher=voucher(discount=discount)))

    if worth is None:
        assert codes(decided) == [("template_failed", "sms")]
    else:
        assert sent(decided).content == {"body": worth}


def test_traits_events_and_the_first_order_are_told() -> None:
    body = "{{ traits.plan }} {{ event.total_minor | money: event.currency }}"
    body += " {{ customer.first_order_days }} {{ brand.name }}"
    here = world(traits={WHO: {"plan": "gold"}}, first_orders={WHO: NOON - timedelta(days=40, hours=3)})
    context = {"event": {"total_minor": 1250, "currency": "USD"}}

    decided = sent(decide(here, letter(WHO, {"sms": {"en": {"body": body}}}, context=context)))

    assert decided.content == {"body": "gold $12.50 40 Pocketful"}


def test_without_its_voucher_a_letter_that_names_one_does_not_go_out() -> None:
    assert codes(decide(world(), letter(WHO, {"sms": {"en": {"body": "{{ voucher.code }}"}}}))) == [
        ("no_voucher", None)
    ]


def test_only_the_links_that_are_said_are_made() -> None:
    raw = {"links": {"a": "https://a.example", "b": "https://b.example"},
           "sms": {"en": {"body": "{{ links.b }}"}, "fr": {"body": "{{ links.a }}"}}}  # fmt: skip

    decided = sent(decide(world(), letter(WHO, raw, voucher=voucher())))

    assert [(link.position, link.target) for link in decided.links] == [(1, "https://b.example")]


def test_a_whatsapp_templates_variables_are_one_line_each() -> None:
    text = {"body": "Hi", "content_sid": "HX1", "content_variables": {"1": "{{ event.name }}", "2": "x"}}
    one = letter(WHO, {"whatsapp": {"en": text}}, channels=("whatsapp",), context={"event": {"name": "a\n\tb     c"}})

    decided = sent(decide(world(), one))

    assert decided.content == {"content_sid": "HX1", "content_variables": {"1": "a b c", "2": "x"}}
    assert decided.item.body == "Hi"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (datetime(2026, 12, 1, 5, 0, tzinfo=UTC), "Nov 30, 2026"),
        (datetime(2026, 12, 1, 5, 0, 1, tzinfo=UTC), "Dec 1, 2026"),
    ],
)
def test_a_voucher_is_good_until_its_last_day(ends: datetime, told: str) -> None:
    one = letter(WHO, {"sms": {"en": {"body": "{{ voucher.expires }}"}}}, voucher=voucher(expires_at=ends))

    assert sent(decide(world(who=contact(locale="en-US", time_zone="America/New_York")), one)).content == {"body": told}


def test_without_an_event_what_is_said_of_one_is_missing() -> None:
    one = letter(WHO, {"sms": {"en": {"body": "{{ event.total_minor }}"}}})

    assert codes(decide(world(), one)) == [("template_failed", "sms")]
