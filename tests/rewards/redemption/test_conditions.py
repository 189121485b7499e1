"""What a campaign asks for besides: limits by period, store and amount, hours, rules, holdouts, uses of a code."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core import ids
from core.db import connection_of, statement, transaction
from rewards import checkouts
from rewards.baskets import Basket, Line
from rewards.campaigns.errors import CampaignClosedNow
from rewards.errors import ConditionsNotMet, LimitReached, NotInAudience, VoucherUnknown, VoucherUsedUp
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from tests.rewards.conftest import NOW, World, line
from wallet.assets import brand_time_zone

DAY = timedelta(days=1)


def redeem(world: World, reference: str | UUID, *lines: Line, at: datetime = NOW, **changes: object) -> Redemption:
    given = {
        "till": world.till,
        "reference": reference,
        "basket": Basket(lines or (line(),)),
        "currency": "USD",
        "till_reference": str(ids.new()),
    } | changes
    with statement() as connection:
        made = redeeming.redeem(connection, Request(**given), at=at)
    assert isinstance(made, Redemption)
    return made


def take(world: World, customer: UUID, code: str, **changes: object) -> None:
    with transaction() as session:
        checkouts.take(session, world.checkout(customer, vouchers=(code,), **changes), now=NOW)


def limited(world: World, *limits: dict[str, Any], **changes: object) -> str:
    """The generic code of a campaign with these limits."""
    given = {"limits": tuple(limits), "limit_per_customer": None} | changes
    return world.voucher(world.campaign(**given), None).code


def used(world: World) -> Sequence[tuple[object, ...]]:
    query = "SELECT scope, measure, bucket, used FROM rewards.counter ORDER BY bucket, scope"
    return [(str(scope).partition(":")[0], *rest) for scope, *rest in world.rows(query)]


def test_limit_of_a_day_begins_anew_at_midnight(world: World) -> None:
    code = limited(world, {"scope": "total", "measure": "uses", "period": "day", "most": 1})
    midnight = datetime(2026, 5, 5, tzinfo=ZoneInfo(brand_time_zone()))

    redeem(world, code)
    with pytest.raises(LimitReached) as refusal:
        redeem(world, code, at=midnight - timedelta(microseconds=1))
    assert refusal.value.facts == {"limit": 1, "voucher": 0}
    redeem(world, code, at=midnight)

    assert used(world) == [("total", "uses", "2026-05-04", 1), ("total", "uses", "2026-05-05", 1)]


def test_limit_of_a_store_is_each_stores_own(world: World) -> None:
    code = limited(world, {"scope": "store", "measure": "uses", "period": "week", "most": 1})
    elsewhere = replace(world.till, store_id=ids.new())

    redeem(world, code)
    redeem(world, code, till=elsewhere)
    with pytest.raises(LimitReached):
        redeem(world, code)

    assert used(world) == [("store", "uses", "2026-W19", 1)] * 2


def test_limit_by_amount_is_reached_to_the_last_cent_and_no_further(world: World) -> None:
    limit = {"scope": "total", "measure": "amount", "period": "month", "most": 800}
    code = limited(world, limit)

    redeem(world, code)
    with pytest.raises(LimitReached):
        redeem(world, code, line(301))
    made = redeem(world, code, line(300))

    assert made.counted == (("total", "amount", "2026-05", 300),)
    assert used(world) == [("total", "amount", "2026-05", 800)]


def test_checkouts_count_for_the_same_limits(world: World) -> None:
    code = limited(world, {"scope": "store", "measure": "amount", "period": "day", "most": 999})
    customer = world.customer()

    redeem(world, code)
    with pytest.raises(LimitReached):
        take(world, customer, code)
    take(world, customer, code, basket=Basket((line(499),)))

    assert used(world) == [("store", "amount", "2026-05-04", 999)]


def test_code_is_not_used_out_of_its_hours(world: World) -> None:
    local = NOW.astimezone(ZoneInfo(brand_time_zone()))
    ends = local + timedelta(hours=2)
    hours = {"weekly": [{"days": ["mon"], "from": f"{local:%H:%M}", "to": f"{ends:%H:%M}"}]}
    code = limited(world, schedule=hours)

    for at in (NOW - timedelta(microseconds=1), NOW + timedelta(hours=2), NOW + DAY):
        with pytest.raises(CampaignClosedNow):
            redeem(world, code, at=at)
    redeem(world, code)
    redeem(world, code, at=NOW + timedelta(hours=2, microseconds=-1))


def test_rule_is_asked_at_the_till_and_says_no_more_than_no(world: World) -> None:
    rule = {"fact": "basket.total_minor", "is": "at_least", "value": 1_500}
    code = limited(world, rule=rule)

    with pytest.raises(ConditionsNotMet) as refusal:
        redeem(world, code, line(1_499))
    assert refusal.value.facts == {"voucher": 0}
    assert redeem(world, code, line(1_500)).amount_minor == 500


def test_rule_of_a_checkout_knows_its_customer(world: World) -> None:
    rule = {"fact": "history.orders", "is": "at_least", "value": 1}
    code = limited(world, rule=rule)
    customer = world.customer()

    with pytest.raises(ConditionsNotMet):
        take(world, customer, code)
    with transaction() as session:
        checkouts.take(session, world.checkout(customer, at=NOW - DAY), now=NOW - DAY)
    take(world, customer, code)
    with pytest.raises(ConditionsNotMet):
        redeem(world, code)


def test_held_out_customer_is_told_that_a_generic_code_is_not_theirs(world: World) -> None:
    code = limited(world, holdout_bps=10_000)

    with pytest.raises(NotInAudience):
        take(world, world.customer(), code)
    assert redeem(world, code).customer_id is None


@pytest.mark.parametrize("uses", [1, 2, None])
def test_bearers_code_is_used_as_often_as_its_campaign_says(world: World, uses: int | None) -> None:
    bearer = world.voucher(world.campaign(), None)
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.voucher SET is_generic = false")
        connection_of(session).execute("UPDATE rewards.campaign SET uses_per_code = %s", [uses])

    for _ in range(uses or 3):
        redeem(world, bearer.code)

    if uses:
        with pytest.raises(VoucherUsedUp) as refusal:
            redeem(world, bearer.code)
        assert refusal.value.facts == {"used": uses, "limit": uses, "voucher": 0}
    assert world.rows("SELECT used, state FROM rewards.voucher") == [(uses or 3, "used_up" if uses else "active")]


def test_blocked_voucher_is_none(world: World) -> None:
    coupon = world.voucher(world.campaign(), world.customer())
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.voucher SET state = 'blocked'")

    with pytest.raises(VoucherUnknown):
        redeem(world, coupon.code)
