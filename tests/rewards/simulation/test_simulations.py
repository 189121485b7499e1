"""Simulations: past baskets give what counting by hand gives, a dead worker is followed, and each no has its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids, replays
from core.db import transaction
from core.errors import InvalidInput
from core.events import announce_all
from core.population_shares import is_in_share
from rewards import terms
from rewards.baskets import Line
from rewards.campaigns import versions
from rewards.events import OrderCompleted
from rewards.models import Campaign
from rewards.simulation import confidence, orders, report, runs, work
from rewards.simulation.errors import SimulationRefused
from rewards.simulation.models import Simulation
from rewards.simulation.report import Report
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


def ask(campaign_id: UUID) -> UUID:
    with transaction() as session:
        return runs.ask(
            session, campaign_id=campaign_id, since=SINCE, until=UNTIL, take_up_bps=10_000, actor="staff:test", now=NOW
        ).id


def day(number: int, hour: int = 12) -> datetime:
    return SINCE + timedelta(days=number, hours=hour - 12)


def test_it_counts_what_would_have_qualified_and_what_it_would_have_cost(world: World) -> None:
    draft = world.campaign(starts_now=False, min_spend_minor=1_000, limit_per_customer=None)
    order(day(1), line(2_000))
    order(day(2), line(900))
    order(day(2, 13), line(1_000), customer_id=BEN)
    order(day(3), line(300), line(800, sku="bread"), discount_minor=50)

    found = simulated(draft)

    assert (found["baskets"], found["qualifying"], found["uses"], found["customers"]) == (4, 3, 3, 2)
    assert found["cost"] == {"amount_minor": 1_500, "currency": "USD"}
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
        {
            "campaign_id": str(rival), "name": "Bread week", "baskets": 1, "worth_minor": 80, "own_minor": 500,
            "go_together": True,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rival", "go_together"),
    [
        ({"category": "weekly"}, False),
        ({"is_exclusive": True}, False),
        ({"category": "monthly"}, True),
        ({"ends_at": NOW + timedelta(days=5)}, None),
        ({"ends_at": NOW + timedelta(days=5, seconds=1)}, True),
        ({"starts_at": NOW + timedelta(days=6)}, None),
        ({"starts_at": NOW + timedelta(days=6) - timedelta(seconds=1)}, True),
    ],
)
def test_rivals_are_those_of_its_own_days(world: World, rival: dict[str, Any], go_together: bool | None) -> None:
    """None: it is none. A basket that both fit takes both, unless their categories or one of them forbid it."""
    days = {"starts_at": NOW + timedelta(days=5), "ends_at": NOW + timedelta(days=6)}
    draft = world.campaign(starts_now=False, limit_per_customer=None, category="weekly", **days)
    world.campaign(**({"name": "Rival"} | rival))
    order(day(1))

    assert [each["go_together"] for each in simulated(draft)["overlaps"]] == (
        [] if go_together is None else [go_together]
    )


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
    asked = ask(draft)
    with monkeypatch.context() as dying:
        dying.setattr(orders, "pages", _dies)
        with pytest.raises(KeyboardInterrupt):
            work.play_due(NOW)
    assert work.play_due(NOW) == 0

    later = NOW + timedelta(minutes=6)
    assert work.play_due(later) == 1

    with transaction() as session:
        found = session.get_one(Simulation, asked)
        assert (found.state, found.attempts, (found.result or {})["baskets"]) == ("done", 2, 1)


def _dies(**_: object) -> None:
    raise KeyboardInterrupt


def test_what_goes_wrong_is_tried_again_and_kept_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = world.campaign(starts_now=False)
    asked = ask(draft)
    now = NOW
    with monkeypatch.context() as failing:
        failing.setattr(orders, "pages", _fails)
        for state in ("waiting", "waiting", "failed"):
            assert work.play_due(now) == 1
            with transaction() as session:
                found = session.get_one(Simulation, asked)
                assert (found.state, found.last_error, found.lease_token) == (state, "ZeroDivisionError", None)
            now += timedelta(seconds=30)
    assert work.play_due(now) == 0


def _fails(**_: object) -> None:
    raise ZeroDivisionError


def test_a_lease_that_was_lost_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker has taken it over while this one still plays."""
    draft = world.campaign(starts_now=False)
    order(day(1))
    asked = ask(draft)
    pages = orders.pages

    def slow(**span: Any) -> Any:
        for page in pages(**span):
            yield page
            with transaction() as session:
                session.get_one(Simulation, asked).lease_token = ids.new()

    monkeypatch.setattr(orders, "pages", slow)
    work.play_due(NOW)

    with transaction() as session:
        found = session.get_one(Simulation, asked)
        assert (found.state, found.result) == ("running", None)


def test_the_terms_are_those_of_when_it_is_played(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    order(day(1), line(2_000))
    asked = ask(draft)
    with transaction() as session:
        versions.change(session, campaign_id=draft, changes={"min_spend_minor": 2_001}, actor="staff:test", now=NOW)
    work.play_due(NOW)

    with transaction() as session:
        found = runs.find(session, asked)
        assert (found.revision, (found.result or {})["qualifying"]) == (2, 0)


def test_a_campaign_waits_four_times_and_not_once_more(world: World) -> None:
    draft, other = world.campaign(starts_now=False), world.campaign(starts_now=False)
    for _ in range(runs.MOST_UNFINISHED):
        ask(draft)

    with pytest.raises(SimulationRefused):
        ask(draft)
    ask(other)
    work.play_due(NOW)
    ask(draft)


def test_no_more_wait_than_a_worker_can_play(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_OF_ALL", 3)
    for _ in range(3):
        ask(world.campaign(starts_now=False))

    with pytest.raises(SimulationRefused):
        ask(world.campaign(starts_now=False))
    work.play_due(NOW)
    ask(world.campaign(starts_now=False))


def test_the_earliest_day_can_be_asked_for(world: World) -> None:
    bought = {"fact": "history.bought", "sku": "milk", "within_days": 730, "is": "at_least", "value": 1}
    draft = world.campaign(starts_now=False, rule=bought)

    assert simulated(draft, since=replays.EARLIEST, until=replays.EARLIEST + timedelta(days=366))["baskets"] == 0


def test_a_worker_that_dies_each_time_leaves_it_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, now = ask(world.campaign(starts_now=False)), NOW
    monkeypatch.setattr(orders, "pages", _dies)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            work.play_due(now)
        now += timedelta(minutes=6)

    assert work.play_due(now) == 0

    with transaction() as session:
        found = session.get_one(Simulation, asked)
        assert (found.state, found.ended_at, found.last_error) == ("failed", now, "lost with its worker")


def test_of_many_overlaps_those_that_fit_most_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_OVERLAPS", 2)
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    for name, skus in (("All", None), ("Bread", ["bread"]), ("Milk", ["milk"])):
        world.campaign(name=name, skus=skus)
    order(day(1), line(1_000), line(800, sku="bread"))
    order(day(2), line(1_000))

    found = simulated(draft)

    assert found["overlapping"] == 3
    assert [each["name"] for each in found["overlaps"]] == ["All", "Milk"]


def test_take_up_draws_the_same_baskets_each_time(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None, limit_total=25, budget_minor=15_000)
    for number in range(100):
        order(day(1) + timedelta(minutes=number), customer_id=ids.new())

    found = [simulated(draft, take_up_bps=bps) for bps in (2_000, 2_000, 1, 10_000)]

    once, again, hardly, whole = [each["expected"] for each in found]
    assert once == again
    assert 5 <= once["uses"] <= 25
    assert once["cost"]["amount_minor"] == once["uses"] * 500
    assert once["least_uses"] < once["uses"] < once["most_uses"]
    assert hardly["uses"] <= 1
    assert (whole["uses"], found[3]["uses"]) == (25, 25)
    assert [each["uses"] for each in found] == [25] * 4, "the most, whatever the take-up"


@pytest.mark.parametrize(
    ("given", "asked", "uses", "spent_on"),
    [
        ({"budget_minor": 0}, {}, 4, None),
        ({"budget_minor": 0}, {"budget_minor": 1_000}, 2, 3),
        ({"budget_minor": 1_500}, {}, 3, 4),
        ({"budget_minor": 1_000}, {"budget_minor": 2_000}, 4, None),
        ({"budget_minor": 1_000}, {"budget_minor": 499}, 0, 1),
    ],
)
def test_the_day_on_which_the_budget_runs_out(
    world: World, given: dict[str, Any], asked: dict[str, Any], uses: int, spent_on: int | None
) -> None:
    """A draft without money is played without a bound, unless one is asked for."""
    draft = world.campaign(starts_now=False, limit_per_customer=None, **given)
    for number in range(1, 5):
        order(day(number))

    found = simulated(draft, **asked)

    told = (SINCE + timedelta(days=spent_on)).date().isoformat() if spent_on else None
    assert (found["uses"], found["budget_spent_on"], found["expected"]["budget_spent_on"]) == (uses, told, told)


def test_days_without_a_basket_are_told_too(world: World) -> None:
    draft = world.campaign(starts_now=False, limit_per_customer=None)
    order(day(1))
    order(day(4))

    assert [each["baskets"] for each in simulated(draft)["days"]] == [1, 0, 0, 1]
    assert simulated(draft, since=UNTIL - timedelta(hours=1))["days"] == []


def test_what_integrators_try_out_is_nobodys_shopping(world: World) -> None:
    """Neither as a basket nor as an order before it."""
    second = {"fact": "history.orders", "is": "at_least", "value": 1}
    draft = world.campaign(starts_now=False, limit_per_customer=None, rule=second)
    order(day(1), currency="XTS")
    order(day(2))
    order(day(3))

    found = simulated(draft)

    assert (found["baskets"], found["qualifying"]) == (2, 1)


def test_trust_is_told_in_words(world: World) -> None:
    few = world.campaign(starts_now=False, limit_per_customer=None)
    order(day(1))

    found = simulated(few)["confidence"]

    assert found["word"] == "low"
    assert found["because"] == [
        "Fewer than 30 uses are expected, too few to go by.",
        "Only 1 days have baskets, so not every day of the week was seen.",
        "The campaign lasts 31 days and was played over 9.",
    ]


@pytest.mark.parametrize(
    ("uses", "days", "lasts", "word"),
    [(29, 10, 10, "low"), (30, 10, 10, "fair"), (399, 10, 10, "fair"), (400, 10, 10, "good"), (400, 6, 6, "low"),
     (400, 7, 7, "good"), (400, 10, 11, "fair"), (400, 11, 10, "fair"), (400, 366, 400, "good")],
)  # fmt: skip
def test_words_of_trust_at_their_boundaries(world: World, uses: int, days: int, lasts: int, word: str) -> None:
    campaign = world.campaign(starts_now=False, starts_at=NOW, ends_at=NOW + timedelta(days=lasts))
    told = Report()
    told.expected.count = uses
    for number in range(days):
        told.day((SINCE + timedelta(days=number)).date()).baskets = 1
    with transaction() as session:
        of = terms.load_one(session, campaign)

    found = confidence.words(told, of, since=SINCE, until=SINCE + timedelta(days=days), needs=["audiences"])

    assert found["word"] == word
    assert found["because"][-1] == "Taken as they are today: audiences."


def test_what_cannot_be_simulated_is_refused(world: World) -> None:
    gift, draft = world.gift_campaign(), world.campaign(starts_now=False)

    with pytest.raises(SimulationRefused):
        simulated(gift)
    for span in (
        {"since": UNTIL, "until": SINCE},
        {"since": UNTIL, "until": UNTIL},
        {"since": replays.EARLIEST - timedelta(seconds=1), "until": replays.EARLIEST + timedelta(days=1)},
        {"since": datetime.min.replace(tzinfo=UTC), "until": datetime.min.replace(tzinfo=UTC) + timedelta(days=1)},
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
