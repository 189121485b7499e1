"""Rules that ask for a customer's segment are decided by who is in it as events come."""

from datetime import timedelta
from uuid import UUID

import pytest

from app import wiring
from core.db import transaction
from insights.segments import saved
from insights.segments.errors import SegmentInUse
from rewards import answers, checkouts
from rewards.checkouts import Checkout
from rewards.errors import ConditionsNotMet
from tests.insights.log import NOON, order, play
from tests.insights.segments.world import STAFF, a_segment, midnight_of
from tests.rewards.conftest import NOW, World, world  # noqa: F401 - a fixture

RECENT = {"event": "order.completed", "within_days": 30}
RULE = {"fact": "customer.segment", "is": "equals", "value": "recent"}


@pytest.fixture(autouse=True)
def rewards_are_told(database: None) -> None:
    answers.register(wiring.REWARDS_ANSWERS)


def paid(world: World, customer_id: UUID, voucher_id: UUID) -> object:  # noqa: F811 - pytest's way
    with transaction() as session:
        return checkouts.take_all(session, [world.checkout(customer_id, vouchers=(voucher_id,))], now=NOW)[0]


def test_a_coupon_is_for_those_who_are_in_the_segment_just_then(world: World) -> None:  # noqa: F811
    a_segment("recent", RECENT)
    campaign_id = world.campaign(rule=RULE, limit_per_customer=None)
    customer_id = world.customer()
    held = [world.voucher(campaign_id, customer_id) for _ in range(3)]

    before = paid(world, customer_id, held[0].id)
    play(order(customer_id))
    within = paid(world, customer_id, held[1].id)
    midnight_of(NOON + timedelta(days=31))
    after = paid(world, customer_id, held[2].id)

    assert [type(each) for each in (before, within, after)] == [ConditionsNotMet, Checkout, ConditionsNotMet]


@pytest.mark.parametrize("rule", [RULE, {"not": RULE}, {"all": [{**RULE, "is": "one_of", "value": ["x", "recent"]}]}])
def test_a_segment_that_a_campaign_goes_by_stays(world: World, rule: dict[str, object]) -> None:  # noqa: F811
    segment_id = a_segment("recent", RECENT)
    world.campaign(rule=rule)

    with transaction() as session, pytest.raises(SegmentInUse) as refused:
        saved.archive(session, segment_id, actor=STAFF, now=NOW)

    assert refused.value.facts["used_by"] == ["the campaign “Five off”"]


def test_a_segment_of_a_like_name_is_not_held(world: World) -> None:  # noqa: F811
    segment_id = a_segment("recently", RECENT)
    world.campaign(rule=RULE)

    with transaction() as session:
        saved.archive(session, segment_id, actor=STAFF, now=NOW)
