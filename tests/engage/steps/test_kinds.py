"""Each kind of step alone: where it leads, what it asks for, and what it does for those who are held out."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.notes import Notes
from engage.steps import (
    KINDS,
    AskCall,
    AskCredit,
    AskFacts,
    AskStaff,
    AskTrait,
    AskVoucher,
    End,
    Go,
    Move,
    Pause,
    Run,
    Setting,
    Step,
    Where,
)
from engage.steps.days import Day, day_in, next_day
from engage.steps.wait_until import WaitUntil
from insights.segments.facts import Facts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JOURNEY, CAMPAIGN = ids.new(), ids.new()
DAY = 86_400


def step(kind: str, **raw: Any) -> Step:
    notes = Notes()
    made = KINDS[kind]({"kind": kind, **raw}, notes, Setting("order.completed", "marketing"))
    assert notes.errors == []
    return made


def enter(
    one: Step, *, customer_id: UUID | None = None, visit: int = 1, now: datetime = NOW, **where: Any
) -> tuple[Move, Run]:
    run = Run(ids.new(), customer_id or ids.new(), "here", visit, one.kind, now)
    return one.enter(Where(**{"journey_id": JOURNEY, **where}), run, now=now), run


def known(customer_id: UUID | None = None, **facts: Any) -> Facts:
    return Facts(customer_id=customer_id or ids.new(), now=NOW, **facts)


HALVES = [{"name": "one", "bps": 5_000, "to": "a"}, {"name": "two", "bps": 5_000, "to": "b"}]


@pytest.mark.parametrize(
    ("kind", "raw", "asked"),
    [
        ("issue_voucher", {"campaign_id": str(CAMPAIGN)}, AskVoucher(CAMPAIGN)),
        ("issue_gift_card", {"campaign_id": str(CAMPAIGN)}, AskVoucher(CAMPAIGN)),
        ("credit", {"amount_minor": 500, "days": 30}, AskCredit(500, "USD", 30)),
        ("update_trait", {"name": "welcomed", "value": True}, AskTrait("welcomed", True)),
        ("notify_staff", {"text": "Please call."}, AskStaff("Please call.")),
        ("webhook", {"target_id": str(CAMPAIGN), "fields": ["order_id"]}, AskCall(CAMPAIGN, ("order_id",))),
    ],
)
def test_what_a_step_brings_about_is_asked_for_and_never_for_those_held_out(
    kind: str, raw: dict[str, Any], asked: Move
) -> None:
    one = step(kind, **raw, next="on")

    assert enter(one)[0] == asked
    for arm in ("holdout", "control"):
        move, run = enter(one, arm=arm)
        assert (move, run.outcome) == (Go("on"), "held_out")


def test_marketing_is_kept_from_the_control_group_and_other_messages_are_not() -> None:
    said = {"channel": "sms", "template": {"body": "Hi"}}
    marketing, deed = step("message", **said), step("message", **said, purpose="transactional")

    assert [enter(marketing, arm=arm)[1].outcome for arm in ("treated", "holdout", "control")] == [
        "planned", "held_out", "held_out"
    ]  # fmt: skip
    assert [enter(deed, arm=arm)[1].outcome for arm in ("treated", "holdout", "control")] == [
        "planned", "held_out", "planned"
    ]  # fmt: skip


def test_a_message_may_leave_at_an_hour_of_the_customers_own() -> None:
    said = {"channel": "sms", "template": {"body": "Hi"}}
    nine, at_once = step("message", **said, at="09:00"), step("message", **said)

    assert nine.due_at("Asia/Tokyo", now=NOW) == datetime(2026, 11, 22, 0, tzinfo=UTC)  # type: ignore[attr-defined]
    assert at_once.due_at("Asia/Tokyo", now=NOW) is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("habit", "due"),
    [
        (None, None),
        (21, None),  # it is nine in the evening in Tokyo now
        (22, datetime(2026, 11, 21, 13, tzinfo=UTC)),
        (20, datetime(2026, 11, 22, 11, tzinfo=UTC)),
    ],
)
def test_a_message_may_leave_at_the_hour_at_which_the_customer_looks(habit: int | None, due: datetime | None) -> None:
    one = step("message", channel="sms", template={"body": "Hi"}, at="habit")

    assert one.due_at("Asia/Tokyo", now=NOW, habit=habit) == due  # type: ignore[attr-defined]


def test_a_branch_takes_the_first_way_that_holds() -> None:
    one = step(
        "branch",
        paths=[
            {"when": {"field": "total_minor", "is": "at_least", "value": 9_000}, "to": "big"},
            {"when": {"trait": "plan", "is": "equals", "value": "gold"}, "to": "gold"},
            {"when": {"all": [{"field": "currency", "is": "equals", "value": "USD"},
                              {"not": {"trait": "plan", "is": "present"}}]}, "to": "plain"},
        ],
        **{"else": "rest"},
    )  # fmt: skip

    def way(payload: dict[str, Any], **traits: Any) -> Move:
        return enter(one, context={"payload": payload}, facts=known(traits=traits))[0]

    assert isinstance(enter(one)[0], AskFacts)
    assert way({"total_minor": 9_000}, plan="gold") == Go("big")
    assert way({"total_minor": 8_999}, plan="gold") == Go("gold")
    assert way({"currency": "USD"}) == Go("plain")
    assert way({"currency": "USD"}, plan="silver") == Go("rest")


def test_a_branch_that_asks_the_entry_alone_asks_nobody_else() -> None:
    one = step("branch", paths=[{"when": {"field": "total_minor", "is": "at_least", "value": 1}, "to": "a"}])

    assert enter(one, context={"payload": {"total_minor": 1}})[0] == Go("a")
    assert enter(one, context={})[0] == Go(None)


def test_a_split_sends_each_share_its_way_and_draws_anew_for_each_visit() -> None:
    one = step("split", paths=[{"name": "few", "bps": 2_000, "to": "a"}, {"name": "many", "bps": 8_000, "to": "b"}])
    customers = [ids.new() for _ in range(4_000)]

    ways = Counter(enter(one, customer_id=customer)[0].to for customer in customers)  # type: ignore[union-attr]
    drawn = {enter(one, customer_id=customers[0], visit=visit)[0].to for visit in range(1, 40)}  # type: ignore[union-attr]

    assert 0.17 < ways["a"] / 4_000 < 0.23
    assert drawn == {"a", "b"}


def test_a_variant_stays_the_customers_whenever_they_come() -> None:
    sticky, loose = step("ab", variants=HALVES), step("ab", variants=HALVES, sticky=False)
    customer_id = ids.new()

    def variants(one: Step) -> set[str | None]:
        return {
            enter(one, customer_id=customer_id, visit=visit, entry_key=str(visit))[1].variant for visit in range(40)
        }

    assert len(variants(sticky)) == 1
    assert variants(loose) == {"one", "two"}


def test_variants_of_two_journeys_are_drawn_apart_and_those_held_out_have_theirs_too() -> None:
    one = step("ab", variants=HALVES)
    customers = [ids.new() for _ in range(200)]

    def drawn(**where: Any) -> list[str | None]:
        return [enter(one, customer_id=customer, **where)[1].variant for customer in customers]

    assert drawn() == drawn(arm="holdout")
    assert drawn() != drawn(journey_id=ids.new())


def test_a_wait_takes_what_happened_in_its_time_and_as_far_as_it_looks_back() -> None:
    one = step("wait", for_event="order.completed", timeout_seconds=DAY, look_back_seconds=3_600, same_key="order_id")
    until = NOW + timedelta(days=1)

    def ends(at: datetime, key: str = "1", order_id: Any = "1") -> bool:
        return one.is_ended_by(  # type: ignore[attr-defined, no-any-return]
            "order.completed", {"order_id": order_id}, at=at, since=NOW, until=until, entry_key=key
        )

    assert ends(NOW)
    assert ends(NOW - timedelta(hours=1))
    assert not ends(NOW - timedelta(hours=1, seconds=1))
    assert ends(until)
    assert not ends(until + timedelta(seconds=1))
    assert not ends(NOW, key="2")
    assert not ends(NOW, order_id=None)


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Europe/Berlin", datetime(2026, 11, 21, 7, 59, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)),
        # The night in which the clocks go back has 25 hours, and nine is still nine.
        ("Europe/Berlin", datetime(2026, 10, 24, 8, tzinfo=UTC), datetime(2026, 10, 25, 8, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC)),
        (None, datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 21, 14, tzinfo=UTC)),
        ("Mars/Olympus", datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 21, 14, tzinfo=UTC)),
        ("../etc/passwd", datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 21, 14, tzinfo=UTC)),
    ],
)
def test_nine_o_clock_is_the_customers_own(zone: str | None, now: datetime, until: datetime) -> None:
    assert enter(step("wait_until", local_time="09:00"), zone=zone, now=now)[0] == Pause(until, None)


def test_an_hour_that_the_clocks_leave_out_strikes_an_hour_later() -> None:
    now = datetime(2026, 3, 28, 12, tzinfo=UTC)

    move, _ = enter(step("wait_until", local_time="02:30"), zone="Europe/Berlin", now=now)

    assert move == Pause(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None)


def test_days_are_counted_by_the_calendar_and_the_brand_has_a_clock_too() -> None:
    in_two_days = step("wait_until", local_time="09:00", days=2, **{"in": "brand"})

    move, _ = enter(in_two_days, zone="Asia/Tokyo", now=datetime(2026, 11, 22, 3, tzinfo=UTC))

    # It is still the 21st in New York.
    assert move == Pause(datetime(2026, 11, 23, 14, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("trait", "days", "until"),
    [
        ("2026-12-01", 0, datetime(2026, 12, 1, 14, tzinfo=UTC)),
        ("2026-12-01", -3, datetime(2026, 11, 28, 14, tzinfo=UTC)),
        ("12-01", 0, datetime(2026, 12, 1, 14, tzinfo=UTC)),
        ("11-20", 0, datetime(2027, 11, 20, 14, tzinfo=UTC)),
        ("11-22", -3, datetime(2027, 11, 19, 14, tzinfo=UTC)),
        ("02-29", 0, datetime(2027, 2, 28, 14, tzinfo=UTC)),
    ],
)
def test_a_wait_goes_by_the_day_that_stands_in_a_trait(trait: str, days: int, until: datetime) -> None:
    one = step("wait_until", date_of="renewal", days=days, local_time="09:00", next="on")

    assert isinstance(enter(one)[0], AskFacts)
    assert enter(one, facts=known(traits={"renewal": trait}))[0] == Pause(until, None)


@pytest.mark.parametrize("trait", [None, "soon", "2026-13-01", "2026-02-30", 5, "0000-01-01", "9999-12-31"])
def test_who_has_no_such_day_goes_another_way(trait: Any) -> None:
    one = step("wait_until", date_of="renewal", local_time="09:00", next="on", on_missing="off")

    assert enter(one, facts=known(traits={"renewal": trait}))[0] == Go("off")


@pytest.mark.parametrize(
    ("trait", "days", "to"),
    [
        ("2026-11-20", 0, "late"),  # yesterday
        ("2026-11-21", 0, "on"),  # today, and the hour has struck
        ("2026-11-23", -3, "late"),  # “in three days” would have been yesterday
        ("2026-11-24", -3, "on"),
        ("2025-11-24", -3, "late"),
    ],
)
def test_who_comes_when_the_day_is_over_is_not_told_that_it_is_to_come(trait: str, days: int, to: str) -> None:
    one = step("wait_until", date_of="renewal", days=days, local_time="06:00", next="on", on_past="late")

    move, run = enter(one, facts=known(traits={"renewal": trait}))

    assert move == Go(to)
    assert run.reasons[0]["code"] == ("past" if to == "late" else "already")


def test_without_a_way_for_those_whose_day_is_over_the_journey_ends_for_them() -> None:
    one = step("wait_until", date_of="renewal", local_time="09:00", next="on")

    assert enter(one, facts=known(traits={"renewal": "2026-11-20"}))[0] == Go(None)


def test_the_hour_of_an_entry_is_not_waited_for_once_it_has_struck() -> None:
    one = WaitUntil(at=time(6), next="on", is_same_day=True)

    assert enter(one, zone="Europe/Berlin")[0] == Go("on")


def test_a_day_of_each_year_is_the_next_one() -> None:
    assert next_day(Day(None, 2, 29), date(2027, 3, 1)) == date(2028, 2, 29)
    assert next_day(Day(None, 2, 29), date(2027, 2, 28)) == date(2027, 2, 28)
    assert day_in("0000-01-01") is None


def test_an_exit_ends_under_a_name() -> None:
    assert enter(step("exit", reason="had enough"))[0] == End("had enough")
