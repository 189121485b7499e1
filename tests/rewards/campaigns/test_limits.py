"""Limits by scope, measure and period: each counted in the brand's calendar (New York), exact at its boundary."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from core.notes import Notes
from rewards import counters, terms
from rewards.campaigns import limits
from rewards.errors import LimitReached
from tests.rewards.conftest import NOW, World
from tests.rewards.test_races import outcomes_of


def limit(scope: str, measure: str, period: str, most: int) -> dict[str, Any]:
    return {"scope": scope, "measure": measure, "period": period, "most": most}


def use(
    campaign_id: UUID, *, at: datetime = NOW, customer_id: UUID | None = None, store_id: UUID | None = None, **how: int
) -> None:
    with transaction() as session:
        uses = limits.counted(
            terms.load_one(session, campaign_id),
            customer_id=customer_id,
            store_id=store_id,
            amount_minor=how.get("amount_minor", 500),
            at=at,
        )
        counters.use_all(connection_of(session), uses)


@pytest.mark.parametrize(
    ("period", "last", "first"),
    [
        ("day", "2026-05-05T03:59:59", "2026-05-05T04:00:00"),
        ("day", "2026-03-09T03:59:59", "2026-03-09T04:00:00"),  # the day that had 23 hours
        ("day", "2026-11-02T04:59:59", "2026-11-02T05:00:00"),  # the day that had 25
        ("week", "2026-05-11T03:59:59", "2026-05-11T04:00:00"),  # Monday
        ("week", "2027-01-04T04:59:59", "2027-01-04T05:00:00"),  # the week that lies in two years
        ("month", "2026-06-01T03:59:59", "2026-06-01T04:00:00"),
    ],
)
def test_limit_begins_anew_with_its_period(world: World, period: str, last: str, first: str) -> None:
    campaign = world.campaign(limits=[limit("total", "uses", period, 2)])
    ends, begins = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (last, first))

    use(campaign, at=ends - timedelta(hours=20))
    use(campaign, at=ends)
    with pytest.raises(LimitReached):
        use(campaign, at=ends)
    use(campaign, at=begins)

    assert world.rows("SELECT used FROM rewards.counter ORDER BY used") == [(1,), (2,)]


def test_periods_have_their_names() -> None:
    local = datetime(2027, 1, 3, 23, 59, tzinfo=UTC)
    assert [limits.bucket(period, local) for period in limits.PERIODS] == ["", "2027-01-03", "2026-W53", "2027-01"]


def test_amounts_are_limited_to_the_last_unit(world: World) -> None:
    campaign = world.campaign(limits=[limit("total", "amount", "day", 1_000)])

    use(campaign, amount_minor=400)
    use(campaign, amount_minor=600)
    with pytest.raises(LimitReached):
        use(campaign, amount_minor=1)


def test_each_store_and_each_customer_has_its_own(world: World) -> None:
    campaign = world.campaign(
        limit_per_customer=None, limits=[limit("store", "uses", "day", 1), limit("customer", "uses", "week", 1)]
    )
    stores, customers = [ids.new(), ids.new()], [ids.new(), ids.new()]

    use(campaign, store_id=stores[0], customer_id=customers[0])
    for store, customer in ((stores[0], customers[1]), (stores[1], customers[0])):
        with pytest.raises(LimitReached):
            use(campaign, store_id=store, customer_id=customer)
    use(campaign, store_id=stores[1], customer_id=customers[1])
    use(campaign, store_id=ids.new())  # a till that knows nobody counts for the store alone


def test_use_that_is_refused_counts_nowhere(world: World) -> None:
    campaign = world.campaign(limits=[limit("total", "uses", "day", 5), limit("total", "amount", "day", 100)])
    with pytest.raises(LimitReached):
        use(campaign, amount_minor=101)
    assert world.rows("SELECT count(*) FROM rewards.counter") == [(0,)]


def test_daily_limit_of_a_store_lets_exactly_that_many_of_many_tills_through(world: World) -> None:
    campaign = world.campaign(limits=[limit("store", "uses", "day", 7), limit("total", "amount", "month", 3_400)])
    stores = [ids.new(), ids.new()]

    outcomes = outcomes_of(lambda number: use(campaign, store_id=stores[number % 2]), 30, threads=8)

    assert outcomes == {"taken": 6, "limit_reached": 24}  # 6 of 5.00 are the month's 34.00, whichever stores had them
    assert world.rows("SELECT sum(used) FROM rewards.counter WHERE measure = 'amount'") == [(3_000,)]


@pytest.mark.parametrize(
    ("raw", "pointer", "word"),
    [
        ({}, "", "list"),
        ([limit("shop", "uses", "day", 1)], "/0/scope", "total, customer, store"),
        ([limit("store", "uses", "hour", 1)], "/0/period", "ever, day, week, month"),
        ([limit("store", "visits", "day", 1)], "/0/measure", "uses, amount"),
        ([limit("store", "uses", "day", 0)], "/0/most", "at least 1"),
        ([limit("store", "uses", "day", True)], "/0/most", "whole number"),
        ([{"scope": "store", "measure": "uses", "period": "day"}], "/0/most", "missing"),
        ([limit("total", "uses", "ever", 1)], "/0", "limit_total"),
        ([limit("customer", "uses", "ever", 1)], "/0", "limit_per_customer"),
        ([limit("store", "uses", "day", 1), limit("store", "uses", "day", 2)], "/1", "lower"),
        ([limit(["store"], "uses", "day", 1)], "/0/scope", "total"),  # type: ignore[arg-type]
    ],
)
def test_each_fault_is_named_in_plain_words(raw: Any, pointer: str, word: str) -> None:
    notes = Notes()
    limits.parse(raw, notes, is_gift_card=False)
    assert [error["pointer"] for error in notes.errors] == [pointer]
    assert word in notes.errors[0]["detail"]


def test_gift_cards_have_no_limits_of_uses(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        world.gift_campaign(limits=[limit("total", "uses", "day", 1)])
    assert (refusal.value.code, refusal.value.facts["errors"][0]["pointer"]) == ("limits_invalid", "/limits")
