"""What a journey may give away: counted under a lock, and the breaker that pauses it and tells staff."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from auth import staff
from core.db import transaction
from core.delivery import messages
from core.delivery.models import Message
from core.events.log import EventRow
from core.money import Money
from core.notes import Notes
from engage import journeys
from engage.journeys import spending
from engage.journeys.errors import JourneyInvalid
from engage.journeys.spending import Spend, SpendElsewhere, SpendReached
from tests.engage.conftest import Scene, drawn, reasons

#: 18:30 in New York, so the brand's day ends five and a half hours later.
NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Spender:
    journey_id: UUID
    spend: Spend | None


@pytest.fixture
def journey_id(scene: Scene) -> UUID:
    return scene.publish({"trigger": {"event": "order.completed"}, "first": "a", "steps": {"a": {"kind": "exit"}}})


def usd(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


def take(spender: Spender, amount: int, *, times: int = 1, now: datetime = NOW) -> int:
    """How often it could be given."""
    with transaction() as session:
        purse = spending.lock(session, [spender], now=now)
        given = sum(purse.take(spender.journey_id, usd(amount)) is None for _ in range(times))
        spending.write(session, purse, now=now)
        return given


def standing(journey_id: UUID) -> tuple[str, str | None]:
    with transaction() as session:
        journey = journeys.find(session, journey_id)
        return journey.status, journey.paused_because


def test_a_journey_gives_up_to_its_cap_and_then_pauses(journey_id: UUID) -> None:
    spender = Spender(journey_id, Spend(1_000, "ever"))

    assert take(spender, 500, times=2) == 2
    assert standing(journey_id) == ("live", None)
    assert take(spender, 1) == 0
    assert standing(journey_id) == ("paused", "spend_ever")


def test_staff_are_told_once_by_mail_when_the_breaker_pauses(journey_id: UUID) -> None:
    with transaction() as session:
        staff.add(session, email="ana@brand.example", name="Ana", permissions=["journeys.write"], now=NOW)
        staff.add(session, email="bo@brand.example", name="Bo", permissions=["journeys.read"], now=NOW)
    spender = Spender(journey_id, Spend(100, "ever"))

    take(spender, 500, times=3)
    take(spender, 500)

    with transaction() as session:
        [mail] = session.scalars(select(Message)).all()
        recipient, content = messages.open_sealed(session, mail)
        told = session.scalars(select(EventRow).where(EventRow.name == "journey.paused")).all()
    assert (mail.purpose, recipient) == ("staff", "ana@brand.example")
    assert "is paused" in content["text"]
    assert [event.payload["because"] for event in told] == ["spend_ever"]


def test_a_days_cap_opens_again_on_the_brands_next_day(journey_id: UUID) -> None:
    spender = Spender(journey_id, Spend(500, "day"))
    take(spender, 300, times=2)
    assert standing(journey_id) == ("paused", "spend_day:2026-11-21")

    spending.resume_due(NOW + timedelta(hours=5))
    assert standing(journey_id)[0] == "paused"
    spending.resume_due(NOW + timedelta(hours=6))
    assert standing(journey_id) == ("live", None)

    assert take(spender, 500, now=NOW + timedelta(hours=6)) == 1


def test_what_staff_paused_no_day_opens(journey_id: UUID, scene: Scene) -> None:
    scene.set_status(journey_id, "paused")

    spending.resume_due(NOW + timedelta(days=2))

    assert standing(journey_id)[0] == "paused"


def test_what_the_breaker_paused_and_then_staff_no_day_opens(journey_id: UUID, scene: Scene) -> None:
    take(Spender(journey_id, Spend(500, "day")), 501)

    scene.set_status(journey_id, "paused")
    spending.resume_due(NOW + timedelta(days=2))

    assert standing(journey_id) == ("paused", "staff")


def test_what_is_given_back_in_time_keeps_the_breaker_from_pausing(journey_id: UUID) -> None:
    for most, left in ((500, "live"), (499, "paused")):
        with transaction() as session:
            purse = spending.lock(session, [Spender(journey_id, Spend(most, "ever"))], now=NOW)
            assert purse.take(journey_id, usd(100)) is None
            assert isinstance(purse.take(journey_id, usd(500)), SpendReached)
            purse.give_back(journey_id, usd(100))
            spending.write(session, purse, now=NOW)

        assert standing(journey_id)[0] == left


def test_what_was_not_given_after_all_counts_no_more(journey_id: UUID) -> None:
    spender = Spender(journey_id, Spend(500, "ever"))
    with transaction() as session:
        purse = spending.lock(session, [spender], now=NOW)
        assert purse.take(journey_id, usd(500)) is None
        purse.give_back(journey_id, usd(500))
        spending.write(session, purse, now=NOW)

    assert take(spender, 500) == 1


def test_a_cap_that_was_lowered_gives_nothing_more(journey_id: UUID) -> None:
    take(Spender(journey_id, Spend(1_000, "ever")), 800)

    assert take(Spender(journey_id, Spend(500, "ever")), 1) == 0
    assert take(Spender(journey_id, Spend(1_000, "ever")), 200) == 1


def test_what_is_of_another_currency_is_refused_and_stops_nobody(journey_id: UUID) -> None:
    spend = Spend(1_000, "ever", "USD")
    with transaction() as session:
        purse = spending.lock(session, [Spender(journey_id, spend)], now=NOW)
        assert isinstance(purse.take(journey_id, Money(500, "JPY")), SpendElsewhere)
        assert purse.take(journey_id, Money(0, "JPY")) is None
        assert purse.take(journey_id, Money(1_000, "USD")) is None
        spending.write(session, purse, now=NOW)

    assert standing(journey_id)[0] == "live"


def test_each_currency_is_counted_by_itself(journey_id: UUID) -> None:
    assert take(Spender(journey_id, Spend(1_000, "ever", "USD")), 1_000) == 1

    with transaction() as session:
        purse = spending.lock(session, [Spender(journey_id, Spend(1_000, "ever", "JPY"))], now=NOW)
        assert purse.take(journey_id, Money(1_000, "JPY")) is None


def credit(currency: str) -> dict[str, Any]:
    give = {"kind": "credit", "amount_minor": 500, "currency": currency, "days": 30, "next": "give_on"}
    return drawn("give", {"give": give, "give_on": {"kind": "exit"}})


def test_a_version_that_gives_what_the_spend_cannot_count_is_not_published(scene: Scene) -> None:
    with transaction() as session:
        kept = {"most_minor": 500, "per": "ever"}
        journey_id = journeys.create(session, name="Gift", spend=kept, actor="staff:test", now=scene.now).id

    with pytest.raises(JourneyInvalid) as refused:
        scene.publish(credit("JPY"), journey_id=journey_id)
    assert refused.value.facts["errors"] == [
        {
            "pointer": "/graph/steps/give/currency",
            "detail": "The journey's “spend” is in USD, and cannot count JPY.",
        }
    ]
    scene.publish(credit("USD"), journey_id=journey_id)


def test_a_published_journey_takes_no_spend_that_cannot_count_what_it_gives(scene: Scene) -> None:
    journey_id = scene.publish(credit("JPY"))

    def set_spend(currency: str) -> None:
        with transaction() as session:
            spend = {"most_minor": 500, "per": "ever", "currency": currency}
            journeys.change(session, journey_id=journey_id, changes={"spend": spend}, actor="staff:test", now=scene.now)

    with pytest.raises(JourneyInvalid) as refused:
        set_spend("USD")
    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/spend/currency"]
    set_spend("JPY")


def test_what_an_older_version_still_gives_of_another_currency_is_refused(scene: Scene) -> None:
    wait = {"kind": "wait", "timeout_seconds": 60, "on_timeout": "give"}
    graph = credit("JPY")
    graph = {**graph, "first": "wait", "steps": {**graph["steps"], "wait": wait}}
    journey_id = scene.publish(graph)
    scene.happen(scene.order(scene.customer()))
    scene.read()
    scene.publish(credit("USD"), journey_id=journey_id)
    with transaction() as session:
        kept = {"most_minor": 5_000, "per": "ever"}
        journeys.change(session, journey_id=journey_id, changes={"spend": kept}, actor="staff:test", now=scene.now)

    scene.move(seconds=61)
    scene.read()
    scene.read_profiles()
    scene.work()

    assert reasons("give") == ["journey_spend_elsewhere"]


def test_a_journey_without_a_cap_gives_and_writes_nothing(journey_id: UUID) -> None:
    assert take(Spender(journey_id, None), 10**9) == 1


def test_twenty_at_once_never_give_more_than_the_cap(journey_id: UUID) -> None:
    spender = Spender(journey_id, Spend(1_000, "ever"))

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: take(spender, 100), range(20)))

    assert sum(given) == 10


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (None, ""), ([], ""), ({}, "/most_minor"), ({"most_minor": 0, "per": "day"}, "/most_minor"),
        ({"most_minor": True, "per": "day"}, "/most_minor"), ({"most_minor": 1, "per": "week"}, "/per"),
        ({"most_minor": 1, "per": ["day"]}, "/per"), ({"most_minor": 1, "per": "day", "x": 1}, "/x"),
        ({"most_minor": 1, "per": "day", "currency": "PTS"}, "/currency"),
        ({"most_minor": 1, "per": "day", "currency": "XXX"}, "/currency"),
        ({"most_minor": 1, "per": "day", "currency": ["USD"]}, "/currency"),
    ],
)  # fmt: skip
def test_a_faulty_spend_is_named(raw: Any, pointer: str) -> None:
    notes = Notes()

    spending.parse(raw, notes)

    assert pointer in [error["pointer"] for error in notes.errors]
