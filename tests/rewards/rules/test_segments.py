"""Segments: refused while no room knows them, and decided by whoever does, from the staff door to the till."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core import ids
from core.db import Connection, transaction
from core.events import announce_all
from rewards import answers, checkouts
from rewards.answers import Answers
from rewards.checkouts import Checkout
from rewards.errors import ConditionsNotMet
from rewards.events import OrderCompleted
from rewards.simulation import runs, work
from tests.rewards.conftest import NOW, World, line
from tests.rewards.test_api import Door, campaign, staff  # noqa: F401 - a fixture

LOYAL = {"fact": "customer.segment", "is": "one_of", "value": ["loyal"]}


@pytest.fixture
def segments() -> Iterator[dict[UUID, frozenset[str]]]:
    """A room above that knows segments, by customer."""
    known: dict[UUID, frozenset[str]] = {}

    def segments_of(_: Connection, customer_ids: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
        return {each: known.get(each, frozenset()) for each in customer_ids}

    answers.register(Answers(segments_of=segments_of))
    yield known
    answers.register(Answers())


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (LOYAL, "/rule/fact"),
        ({"all": [{"fact": "basket.lines", "is": "at_least", "value": 1}, {"not": LOYAL}]}, "/rule/all/1/not/fact"),
    ],
)
def test_without_a_room_that_knows_them_they_are_refused_in_words(
    staff: Door,  # noqa: F811 - pytest's way
    rule: dict[str, Any],
    pointer: str,
) -> None:
    answers.register(Answers())

    answer = staff.post("/campaigns", campaign(rule=rule))

    assert (answer.status_code, answer.json["code"]) == (422, "rule_invalid")
    assert answer.json["errors"] == [{"pointer": pointer, "detail": "Segments are not known here yet."}]
    assert staff.get("/campaigns").json["items"] == []


def test_the_till_decides_by_who_knows_them(app: Flask, world: World, segments: dict[UUID, frozenset[str]]) -> None:
    coupon = world.campaign(rule=LOYAL)
    loyal, other = world.customer(), world.customer()
    segments[loyal] = frozenset({"loyal", "new"})
    held = {who: world.voucher(coupon, who) for who in (loyal, other)}

    outcomes = [taken(world, who, held[who].id) for who in (loyal, other)]
    segments[loyal] = frozenset()
    later = world.campaign(rule=LOYAL)
    outcomes.append(taken(world, loyal, world.voucher(later, loyal).id))

    assert [type(each) for each in outcomes] == [Checkout, ConditionsNotMet, ConditionsNotMet]


def test_where_the_room_has_gone_nobody_is_in_a_segment(world: World, segments: dict[UUID, frozenset[str]]) -> None:
    coupon = world.campaign(rule=LOYAL)
    loyal = world.customer()
    segments[loyal] = frozenset({"loyal"})
    held = world.voucher(coupon, loyal)
    answers.register(Answers())

    assert type(taken(world, loyal, held.id)) is ConditionsNotMet


def taken(world: World, customer_id: UUID, voucher_id: UUID) -> object:
    with transaction() as session:
        request = world.checkout(customer_id, vouchers=(voucher_id,))
        return checkouts.take_all(session, [request], now=NOW)[0]


def test_a_simulation_takes_them_as_they_are_today(world: World, segments: dict[UUID, frozenset[str]]) -> None:
    draft = world.campaign(starts_now=False, rule=LOYAL, limit_per_customer=None)
    loyal, other = ids.new(), ids.new()
    segments[loyal] = frozenset({"loyal"})
    with transaction() as session:
        announce_all(session, [order(who) for who in (loyal, other, loyal)])
        span = {"since": NOW - timedelta(days=2), "until": NOW}
        asked = runs.ask(session, campaign_id=draft, **span, take_up_bps=10_000, actor="staff:test", now=NOW).id
    work.play_due(NOW)

    with transaction() as session:
        result = runs.find(session, asked).result or {}
    assert (result["baskets"], result["qualifying"]) == (3, 2)
    assert result["confidence"]["because"][-1] == "Taken as they are today: segments."


def order(customer_id: UUID) -> OrderCompleted:
    return OrderCompleted(
        customer_id=customer_id, occurred_at=NOW - timedelta(days=1), order_id=ids.new(), checkout_id=ids.new(),
        merchant_id=ids.new(), store_id=ids.new(), total_minor=2_000, discount_minor=0, gift_minor=0, paid_minor=2_000,
        currency="USD", lines=(line(),),
    )  # fmt: skip
