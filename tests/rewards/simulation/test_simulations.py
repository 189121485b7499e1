"""Simulations: past baskets give what counting by hand gives, a dead worker is followed, and each no has its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.errors import InvalidInput
from core.events import announce_all
from core.population_shares import is_in_share
from rewards.baskets import Line
from rewards.events import OrderCompleted
from rewards.models import Campaign
from rewards.simulation import orders, runs, work
from rewards.simulation.errors import SimulationRefused
from rewards.simulation.models import Simulation
from tests.rewards.conftest import NOW, World, line
from wallet.assets import brand_time_zone

SINCE, UNTIL = NOW - timedelta(days=10), NOW - timedelta(days=1)
STORES = [ids.new(), ids.new()]
ANNA, BEN = ids.new(), ids.new()


def order(at: datetime, *lines: Line, customer_id: UUID = ANNA, store_id: UUID = STORES[0], **more: Any) -> None:
    given = lines or (line(2_000),)
    total = sum(each.amount_minor for each in given)
    known: dict[str, Any] = {
        "order_id": ids.new(), "checkout_id": ids.new(), "merchant_id": STORES[0], "total_minor": total,
        "discount_minor": 0, "gift_minor": 0, "paid_minor": total, "currency": "USD",
    }  # fmt: skip
    made = OrderCompleted(
        customer_id=customer_id, occurred_at=at, store_id=store_id, lines=tuple(given), **(known | more)
    )
    with transaction() as session:
        announce_all(session, [made])


def simulated(campaign_id: UUID, **more: Any) -> dict[str, Any]:
    given = {"since": SINCE, "until": UNTIL, "take_up_bps": 10_000} | more
    with transaction() as session:
        asked = runs.ask(session, campaign_id=campaign_id, actor="staff:test", now=NOW, **given).id
    assert work.play_due(NOW) == 1
    with transaction() as session:
        found = runs.find(session, asked)
        assert (found.state, found.progress_bps) == ("done", 10_000)
        assert found.result is not None
        return found.result


def day(number: int, hour: int = 12) -> datetime:
    return SINCE + timedelta(days=number, hours=hour - 12)


def test_it_counts_what_would_have_qualified_and_what_it_would_have_cost(world: World) -> None:
    draft = world.campaign(starts_now=False, min_spend_minor=1_000, limit_per_customer=None)
    order(day(1), line(2_000))
    order(day(2), line(900))
    order(day(2, 13), line(1_000), customer_id=BEN)
    order(day(3), line(300), line(800, sku="bread"), discount_minor=50)

    found = simulated(draft, take_up_bps=2_500)

    assert (found["baskets"], found["qualifying"], found["uses"], found["customers"]) == (4, 3, 3, 2)
    assert found["cost"] == {"amount_minor": 1_500, "currency": "USD"}
    assert found["expected_cost"]["amount_minor"] == 375
    assert found["taken_by_coupons"]["amount_minor"] == 50
    assert found["missed"] == [{"code": "minimum_spend", "baskets": 1}]
    assert [(each["date"], each["baskets"], each["uses"]) for each in found["days"]] == [
        ((SINCE + timedelta(days=number)).date().isoformat(), baskets, uses)
        for number, baskets, uses in ((1, 1, 1), (2, 2, 1), (3, 1, 1))
    ]


def test_the_span_begins_after_since_and_ends_with_until(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    for at in (SINCE, SINCE + timedelta(microseconds=1), UNTIL, UNTIL + timedelta(microseconds=1)):
        order(at)

    assert simulated(draft)["baskets"] == 2


@pytest.mark.parametrize(
    ("terms", "refused", "uses"),
    [
        ({"limit_per_customer": 1}, "limit_reached", 2),
        ({"limit_per_customer": None, "limit_total": 3}, "limit_reached", 3),
        ({"limit_per_customer": None, "budget_minor": 1_999}, "budget_exhausted", 3),
        (
            {
                "limit_per_customer": None,
                "limits": [{"scope": "store", "measure": "uses", "period": "day", "most": 1}],
            },
            "limit_reached",
            2,
        ),
    ],
)
def test_limits_and_the_budget_run_down(world: World, terms: dict[str, Any], refused: str, uses: int) -> None:
    draft = world.campaign(**({"starts_now": False} | terms))
    for number in range(4):
        order(day(2, 10 + number), customer_id=ANNA if number % 2 else BEN, store_id=STORES[number % 2])

    found = simulated(draft)

    assert (found["qualifying"], found["uses"]) == (4, uses)
    assert found["refused"] == [{"code": refused, "baskets": 4 - uses}]
    assert (found["budget_spent_on"] is not None) is (refused == "budget_exhausted")


def test_who_is_held_out_goes_without(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None, holdout_bps=5_000)
    people = [ids.new() for _ in range(30)]
    for number, who in enumerate(people):
        order(day(1) + timedelta(minutes=number), customer_id=who)
    with transaction() as session:
        terms = session.get_one(Campaign, draft)
        salt, bps = terms.holdout_salt or terms.id, terms.holdout_bps

    found = simulated(draft)

    held_out = sum([is_in_share(salt, who, bps=bps) for who in people])
    assert 0 < held_out < 30
    assert found["refused"] == [{"code": "held_out", "baskets": held_out}]


def test_rules_ask_for_what_was_known_then(world: World) -> None:
    """The third order of each customer, though the first lies before the span."""
    third = {"fact": "history.orders", "is": "equals", "value": 2}
    draft = world.campaign(starts_now=False, limit_per_customer=None, rule=third)
    order(SINCE - timedelta(days=5))
    for number in range(1, 4):
        order(day(number))
        order(day(number), customer_id=BEN)

    found = simulated(draft)

    assert (found["baskets"], found["qualifying"], found["missed"]) == (
        6, 2, [{"code": "conditions_not_met", "baskets": 4}],
    )  # fmt: skip


def test_running_campaigns_that_fit_the_same_baskets_are_told(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None, min_spend_minor=1_500)
    rival = world.campaign(name="Bread week", skus=["bread"], discount={"kind": "percentage", "bps": 1_000})
    world.campaign(name="Dear", min_spend_minor=50_000)
    order(day(1), line(1_000), line(800, sku="bread"))
    order(day(2), line(2_000))
    order(day(3), line(100, sku="bread"))

    assert simulated(draft)["overlaps"] == [
        {"campaign_id": str(rival), "name": "Bread week", "baskets": 1, "worth_minor": 80}
    ]


def test_the_brands_days_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    late = datetime(2026, 4, 29, 23, 30, tzinfo=UTC)
    order(late)
    monkeypatch.setattr(work, "brand_time_zone", lambda: "Asia/Tokyo")

    assert [each["date"] for each in simulated(draft)["days"]] == ["2026-04-30"]
    assert brand_time_zone() != "Asia/Tokyo"


def test_pages_leave_no_order_out_and_take_none_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    for number in range(7):
        order(day(1) + timedelta(minutes=number // 3))  # several at the same instant
    monkeypatch.setattr(orders, "PAGE", 2)

    assert simulated(draft)["baskets"] == 7


def test_a_worker_that_died_is_followed_by_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    order(day(1))
    with transaction() as session:
        asked = runs.ask(
            session, campaign_id=draft, since=SINCE, until=UNTIL, take_up_bps=1, actor="staff:test", now=NOW
        ).id
    with monkeypatch.context() as dying:
        dying.setattr(orders, "pages", _dies)
        with pytest.raises(KeyboardInterrupt):
            work.play_due(NOW)
    assert work.play_due(NOW) == 0

    later = NOW + timedelta(minutes=3)
    assert work.play_due(later) == 1

    with transaction() as session:
        found = session.get_one(Simulation, asked)
        assert (found.state, found.attempts, (found.result or {})["baskets"]) == ("done", 2, 1)


def _dies(**_: object) -> None:
    raise KeyboardInterrupt


def test_what_cannot_be_simulated_is_refused(world: World) -> None:
    gift, draft = world.gift_campaign(), world.campaign(starts_now=False)

    with pytest.raises(SimulationRefused):
        simulated(gift)
    for span in (
        {"since": UNTIL, "until": SINCE},
        {"until": NOW + timedelta(seconds=1)},
        {"since": NOW - timedelta(days=400), "until": NOW - timedelta(days=1)},
    ):
        with pytest.raises(InvalidInput):
            simulated(draft, **span)


def test_it_changes_nothing(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    order(day(1))
    before = world.rows("SELECT count(*) FROM core.event"), world.budget(draft)

    simulated(draft)

    assert (world.rows("SELECT count(*) FROM core.event"), world.budget(draft)) == before
