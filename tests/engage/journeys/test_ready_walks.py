"""Each ready-made journey is published and walked, by those for whom it goes well and by those for whom it does not."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from connect import events as outside
from core import ids
from core.db import transaction
from engage import journeys
from engage.journeys import ready
from engage.walks.models import Enrolment
from insights.segments import saved
from insights.segments.events import DateReached, SegmentEntered, SegmentLeft
from insights.streams.filling import fill_due
from rewards.baskets import Line
from tests.engage.conftest import Scene, enrolments, runs, sent, vouchers_of


@pytest.fixture(autouse=True)
def noon(scene: Scene) -> None:
    """Noon in New York, out of everybody's quiet hours."""
    scene.now = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)


def published(scene: Scene, key: str, **values: str) -> UUID:
    found = ready.find(key)
    with transaction() as session:
        journey = journeys.create(
            session, name=found.name, holdout_bps=0, actor="staff:test", now=scene.now,
            draft=ready.filled(found, values),
        )  # fmt: skip
        journeys.publish(session, journey_id=journey.id, actor="staff:test", now=scene.now)
        return journey.id


def segment(scene: Scene, condition: dict[str, Any]) -> str:
    with transaction() as session:
        saved.create(session, key="few", name="Few", condition=condition, actor="staff:test", now=scene.now)
    return "few"


def member(scene: Scene, customer_id: UUID, *, is_rebuild: bool = False) -> SegmentEntered:
    return SegmentEntered(
        customer_id=customer_id, occurred_at=scene.now, segment_id=ids.new(), key="few", revision=1,
        is_rebuild=is_rebuild,
    )  # fmt: skip


def texts() -> list[str]:
    """The first words of what was sent, in their order."""
    return [content["body"] for _, _, content in sent()]


def read(scene: Scene) -> None:
    scene.read_profiles()
    scene.read()


def later(scene: Scene, **by: float) -> None:
    scene.move(**by)
    read(scene)
    scene.work()


def test_welcome_greets_and_asks_once_more(scene: Scene) -> None:
    published(scene, "welcome")
    stays, buys = (scene.customer(tokens=[name]) for name in ("one", "two"))
    read(scene)
    assert len(texts()) == 2
    scene.happen(scene.order(buys))
    read(scene)
    later(scene, days=3)

    assert sum("first order" in text for text in texts()) == 1
    assert {walk.customer_id: walk.end_reason for walk in enrolments()} == {
        stays: "finished", buys: "exit: order.completed"
    }  # fmt: skip
    assert [walk.converted_at is not None for walk in enrolments()].count(True) == 1


def test_first_purchase_gives_a_coupon_to_those_who_have_not_bought(scene: Scene) -> None:
    published(scene, "first_purchase", campaign_id=str(scene.coupon()))
    slow, quick = scene.customers(2)
    scene.happen(scene.order(quick))
    read(scene)
    later(scene, days=2)

    assert (len(vouchers_of(slow)), vouchers_of(quick)) == (1, [])
    later(scene, days=5)
    assert runs(slow)[-1] == ("remind", "sent")


def test_an_abandoned_basket_is_remembered_and_one_that_was_bought_is_not(scene: Scene) -> None:
    published(scene, "abandoned_basket", campaign_id=str(scene.coupon()))
    leaves, buys, browses = (scene.customer(tokens=[name]) for name in ("one", "two", "three"))
    scene.happen(*[track(scene, one, "Checkout Started") for one in (leaves, buys)], track(scene, browses, "Viewed"))
    read(scene)
    scene.move(minutes=30)
    scene.happen(scene.order(buys))
    read(scene)
    later(scene, minutes=30)

    assert texts() == ["Your basket at Pocketful waits for you."]
    later(scene, hours=23)
    assert (len(vouchers_of(leaves)), vouchers_of(buys), vouchers_of(browses)) == (1, [], [])
    assert {walk.customer_id: walk.converted_at is not None for walk in enrolments()} == {leaves: False, buys: True}


def test_cross_sell_takes_those_who_never_bought_the_partner(scene: Scene) -> None:
    published(scene, "cross_sell", campaign_id=str(scene.coupon()), category="COFFEE", partner="PASTRY")
    early, fits, has_both, others = scene.customers(4)
    scene.happen(order(scene, early, "COFFEE"))
    read(scene)
    assert enrolments() == []  # what they bought before is not counted yet, so nobody knows whom to take
    while fill_due(scene.now):
        pass
    scene.happen(order(scene, has_both, "PASTRY"), order(scene, fits, "COFFEE"), order(scene, others, "TEA"))
    read(scene)
    scene.happen(order(scene, has_both, "COFFEE"))
    read(scene)
    later(scene, days=2)

    assert {walk.customer_id for walk in enrolments()} == {fits}
    assert len(vouchers_of(fits)) == 1


def test_a_lapsing_voucher_is_told_of_in_the_morning(scene: Scene) -> None:
    key = segment(scene, {"voucher": {}, "expires_within_days": 3})
    published(scene, "lapsing_voucher", segment=key)
    told, gone, rebuilt = (scene.customer(tokens=[name]) for name in ("one", "two", "three"))
    scene.happen(member(scene, told), member(scene, gone), member(scene, rebuilt, is_rebuild=True))
    read(scene)
    left = SegmentLeft(
        customer_id=gone, occurred_at=scene.now, segment_id=ids.new(), key=key, revision=1, is_rebuild=True
    )
    scene.happen(left)
    read(scene)
    later(scene, hours=22)

    assert len(texts()) == 1
    assert {walk.customer_id: walk.end_reason for walk in enrolments()} == {
        told: "finished", gone: "exit: segment.left"
    }  # fmt: skip


def test_win_back_says_a_word_then_gives_and_stops_when_they_buy(scene: Scene) -> None:
    key = segment(scene, {"event": "order.completed", "last": "more_than", "days": 45})
    published(scene, "win_back", segment=key, campaign_id=str(scene.gift_card(budget_minor=10_000)))
    stays, returns = scene.customers(2)
    scene.happen(member(scene, stays), member(scene, returns))
    read(scene)
    later(scene, days=1)
    scene.happen(scene.order(returns))
    read(scene)
    later(scene, days=5)

    assert (len(vouchers_of(stays)), vouchers_of(returns)) == (1, [])
    assert ends(returns) == "exit: order.completed"
    later(scene, days=7)
    assert ends(stays) == "finished"


def test_a_birthday_brings_a_present_each_year_at_nine(scene: Scene) -> None:
    published(scene, "birthday", campaign_id=str(scene.gift_card(budget_minor=10_000)))
    customer_id = scene.customer()
    first, second = datetime(2026, 11, 22, 5, 30, tzinfo=UTC), datetime(2027, 11, 20, 5, 30, tzinfo=UTC)
    for had, scene.now in enumerate((first, second)):
        day = f"{scene.now:%Y-%m-%d}"
        reached = DateReached(customer_id=customer_id, occurred_at=scene.now, trait="birthday", day=day, days_before=0)
        scene.happen(reached, reached)
        read(scene)
        assert len(vouchers_of(customer_id)) == had
        later(scene, hours=8, minutes=30)
        assert len(vouchers_of(customer_id)) == had + 1


def ends(customer_id: UUID) -> str | None:
    [walk] = [walk for walk in enrolments() if walk.customer_id == customer_id]
    assert isinstance(walk, Enrolment)
    return walk.end_reason


def order(scene: Scene, customer_id: UUID, category: str) -> Any:
    return scene.order(customer_id, lines=[Line(sku="1", category=category, quantity="1", amount_minor=500)])


def track(scene: Scene, customer_id: UUID, name: str) -> Any:
    return outside.made(
        type_="track", content={"type": "track", "event": name, "properties": {}, "context": {}},
        customer_id=customer_id, subject_id=None, occurred_at=scene.now,
    )  # fmt: skip
