"""Which offers fit this basket, this store, now."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.db import connection_of, transaction
from core.population_shares import is_in_share
from rewards import campaigns, checkouts
from rewards.baskets import Basket, Line
from rewards.offers import qualifying
from rewards.offers.qualifying import Asked, Qualification
from tests.rewards.conftest import NOW, World, line


def ask(world: World, customer_id: UUID | None, *lines: Line, **changes: object) -> Qualification:
    given: dict[str, object] = {
        "basket": Basket(lines or (line(),)), "currency": "USD", "at": NOW, "customer_id": customer_id,
        "till": world.till,
    } | changes  # fmt: skip
    with transaction() as session:
        return qualifying.offers(connection_of(session), Asked(**given))


def names(found: Qualification) -> list[tuple[UUID, int]]:
    return [(offer.terms.campaign_id, offer.worth_minor) for offer in found.offers]


def off(minor: int) -> dict[str, object]:
    return {"kind": "amount", "amount_minor": minor}


def open_offer(world: World, minor: int = 500, **changes: object) -> UUID:
    """A campaign with a code that anybody may show."""
    campaign_id = world.campaign(**{"discount": off(minor), "limit_per_customer": None} | changes)
    world.voucher(campaign_id, None)
    return campaign_id


def test_offers_are_the_customers_own_and_open_ones_sorted_by_what_they_take_off(world: World) -> None:
    customer = world.customer()
    small, large = open_offer(world, 300), open_offer(world, 700)
    held = world.campaign()
    voucher = world.voucher(held, customer)
    world.voucher(world.campaign(), world.customer())
    world.campaign()

    found = ask(world, customer)

    assert names(found) == [(large, 700), (held, 500), (small, 300)]
    assert [[own.id for own in offer.vouchers] for offer in found.offers] == [[], [voucher.id], []]
    assert [(each.candidate.id, each.amount_minor) for each in found.best.chosen] == [(voucher.id, 500)]
    assert names(ask(world, None)) == [(large, 700), (small, 300)]


def test_offer_is_not_made_where_a_condition_fails(world: World) -> None:
    fits = open_offer(world, skus=["milk"])
    open_offer(world, skus=["tea"])
    open_offer(world, currency="EUR")
    open_offer(world, budget_minor=499)
    open_offer(world, min_spend_minor=2_001)
    open_offer(world, rule={"fact": "basket.total_minor", "is": "more_than", "value": 2_000})
    open_offer(world, schedule={"weekly": [{"days": ["sun"], "from": "00:00", "to": "24:00"}]})
    paused, ended = open_offer(world), open_offer(world)
    with transaction() as session:
        campaigns.pause(session, campaign_id=paused, actor="staff:test", now=NOW)
        campaigns.end_(session, campaign_id=ended, actor="staff:test", now=NOW)
    world.gift_campaign()

    assert names(ask(world, None)) == [(fits, 500)]


def test_offer_is_made_at_the_boundary_of_each_condition(world: World) -> None:
    made = {
        open_offer(world, budget_minor=500),
        open_offer(world, min_spend_minor=2_000),
        open_offer(world, starts_at=NOW),
        open_offer(world, rule={"fact": "basket.total_minor", "is": "at_least", "value": 2_000}),
        open_offer(world, rule={"fact": "store.id", "is": "one_of", "value": [str(world.till.store_id)]}),
    }

    assert {offer.terms.campaign_id for offer in ask(world, None).offers} == made
    assert len(ask(world, None, till=replace(world.till, store_id=ids.new())).offers) == 4
    assert len(ask(world, None, till=None).offers) == 4
    assert len(ask(world, None, at=NOW - timedelta(seconds=1)).offers) == 4
    assert ask(world, None, at=NOW + timedelta(days=30)).offers == []


def test_offer_is_gone_when_its_limit_is_reached(world: World) -> None:
    customer, other = world.customer(), world.customer()
    campaign = world.campaign(limit_total=2)
    for each in (customer, other):
        world.voucher(campaign, each)

    assert len(ask(world, customer).offers) == 1
    voucher = ask(world, customer).offers[0].vouchers[0]
    with transaction() as session:
        checkouts.take(session, world.checkout(customer, vouchers=(voucher.id,)), now=NOW)
    assert ask(world, customer).offers == []
    assert len(ask(world, other).offers) == 1
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.counter SET used = cap WHERE scope = 'total'")
    assert ask(world, other).offers == []


def test_daily_limit_of_an_amount_counts_what_the_offer_would_take(world: World) -> None:
    customer = world.customer()
    limit = {"scope": "customer", "measure": "amount", "period": "day"}
    fits = world.campaign(limits=[limit | {"most": 500}])
    short = world.campaign(limits=[limit | {"most": 499}])
    for campaign in (fits, short):
        world.voucher(campaign, customer)

    assert names(ask(world, customer)) == [(fits, 500)]


def test_campaign_of_an_audience_is_offered_to_it_and_to_who_holds_a_voucher(world: World) -> None:
    member, stranger = world.customer(), world.customer()
    campaign = open_offer(world, audience=[member])

    assert names(ask(world, member)) == [(campaign, 500)]
    assert names(ask(world, stranger)) == names(ask(world, None)) == []


def test_held_out_customer_is_offered_only_what_they_hold(world: World) -> None:
    campaign, salt = open_offer(world, holdout_bps=5_000), None
    [(salt,)] = world.rows("SELECT coalesce(holdout_salt, id) FROM rewards.campaign")
    people = [world.customer(0) for _ in range(12)]
    out = [each for each in people if is_in_share(salt, each, bps=5_000)]

    assert 0 < len(out) < 12
    for each in people:
        assert (ask(world, each).offers == []) == (each in out)
    assert names(ask(world, None)) == [(campaign, 500)]


def test_offers_that_a_larger_basket_would_reach_say_what_is_missing(world: World) -> None:
    spend = open_offer(world, 900, min_spend_minor=2_500)
    ruled = open_offer(
        world,
        600,
        rule={
            "all": [
                {"fact": "time.weekday", "is": "equals", "value": "mon"},
                {"lines": {"where": {"fact": "line.sku", "is": "equals", "value": "milk"}, "sum": "amount_minor"},
                 "is": "at_least", "value": 2_001},
            ]
        },
    )  # fmt: skip
    open_offer(world, rule={"fact": "customer.is_known", "is": "equals", "value": True})

    found = ask(world, None)

    assert found.offers == []
    nearly = [each.missing for each in found.nearly]
    assert [(each.terms.campaign_id, each.worth_minor, each.missing_minor) for each in nearly] == [
        (spend, 900, 500), (ruled, 600, 1),
    ]  # fmt: skip


def test_best_of_the_customers_own_vouchers_is_found_and_explained(world: World) -> None:
    customer = world.customer()
    small = world.voucher(world.campaign(discount=off(300), category="a"), customer)
    large = world.voucher(world.campaign(discount=off(700), category="a"), customer)

    found = ask(world, customer)

    assert [each.candidate.id for each in found.best.chosen] == [large.id]
    assert [(each.candidate.id, each.code) for each in found.best.left_out] == [(small.id, "stacking_excluded")]


def test_campaign_that_changes_is_seen_at_once(world: World) -> None:
    campaign = open_offer(world)
    assert len(ask(world, None).offers) == 1

    with transaction() as session:
        campaigns.pause(session, campaign_id=campaign, actor="staff:test", now=NOW)
    assert ask(world, None).offers == []
    with transaction() as session:
        campaigns.start(session, campaign_id=campaign, actor="staff:test", now=NOW)
    assert len(ask(world, None).offers) == 1


def test_empty_worth_and_huge_baskets_are_no_trouble(world: World) -> None:
    open_offer(world, discount={"kind": "cheapest_free", "of": 3}, budget_minor=10**9)

    assert ask(world, None, line(0)).offers == []
    assert names(ask(world, None, line(999_999_999, quantity="999999999")))[0][1] == 333_333_333
    many = [line(100, sku=str(number)) for number in range(1_000)]
    assert ask(world, None, *many).offers[0].worth_minor == 33_300


@pytest.mark.parametrize("campaigns_there", [1, 60])
def test_it_takes_a_handful_of_statements(world: World, monkeypatch: pytest.MonkeyPatch, campaigns_there: int) -> None:
    customer = world.customer()
    for _ in range(campaigns_there):
        open_offer(world)
    ask(world, customer)
    sent: list[object] = []
    execute = psycopg.Cursor.execute
    monkeypatch.setattr(psycopg.Cursor, "execute", lambda *args, **more: sent.append(args[1]) or execute(*args, **more))

    found = ask(world, customer)

    assert len(found.offers) == min(campaigns_there, 50)
    assert len(sent) <= 8, sent
