"""Redemptions: one voucher at a till by itself; each condition passes, refuses, and at its boundary."""

from datetime import timedelta

import pytest

from core import ids
from core.db import statement, transaction
from rewards import campaigns
from rewards.baskets import Basket, Line
from rewards.errors import (
    BasketNotCovered,
    BudgetExhausted,
    CampaignNotRunning,
    LimitReached,
    MinimumSpend,
    NotInAudience,
    RedemptionReferenceReused,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.redemption import redeeming
from rewards.redemption.evidence import Reference
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from tests.rewards.conftest import NOW, World, line


def redeem(world: World, reference: Reference, *lines: Line, now=NOW, **changes: object) -> Redemption:
    given = {
        "till": world.till,
        "reference": reference,
        "basket": Basket(lines or (line(),)),
        "currency": "USD",
        "till_reference": str(ids.new()),
    } | changes
    with statement() as connection:
        made = redeeming.redeem(connection, Request(**given), at=now)
    assert isinstance(made, Redemption)
    return made


def test_coupon_moves_its_value_from_the_budget_to_the_merchant(world: World) -> None:
    campaign, customer = world.campaign(), world.customer()
    coupon = world.voucher(campaign, customer)

    made = redeem(world, coupon.code)

    assert (made.amount_minor, made.customer_id) == (500, customer)
    assert (world.budget(campaign), world.payable, world.cash(customer)) == (99_500, 500, 10_000)
    [event] = world.events("voucher.redeemed")
    assert (event["redemption_id"], event["checkout_id"]) == (str(made.id), None)
    assert world.events("payment.completed") == world.events("order.completed") == []


def test_gift_card_is_used_in_parts_until_nothing_is_left(world: World) -> None:
    card = world.voucher(world.gift_campaign(2_000), world.customer())

    parts = [redeem(world, card.code, line(minor)).amount_minor for minor in (1_500, 2_000)]

    assert parts == [1_500, 500]
    with pytest.raises(VoucherUsedUp):
        redeem(world, card.code)


def test_gift_card_outlives_its_campaign(world: World) -> None:
    campaign = world.gift_campaign(2_000)
    card = world.voucher(campaign, world.customer())
    with transaction() as session:
        campaigns.end_(session, campaign_id=campaign, actor="staff:test", now=NOW)

    assert redeem(world, card.code, now=NOW + timedelta(days=400)).amount_minor == 2_000


@pytest.mark.parametrize("typed", ["", "ABCDEFGHJKMNPQRS", "SPRING10", "💳"])
def test_unknown_codes_all_get_the_same_answer(world: World, typed: str) -> None:
    with pytest.raises(VoucherUnknown):
        redeem(world, typed)


def test_typing_error_is_told_before_anything_is_looked_up(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code
    wrong = code[:3] + ("0" if code[3] != "0" else "1") + code[4:]

    with pytest.raises(VoucherUnknown, match="typing error"):
        redeem(world, wrong)


def test_code_is_taken_as_people_write_it(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code

    assert redeem(world, f" {code[:8]}-{code[8:]} ".lower()).amount_minor == 500


def test_expired_voucher_cannot_be_redeemed(world: World) -> None:
    campaign = world.campaign(voucher_days=1, limit_per_customer=2)
    coupon = world.voucher(campaign, world.customer())

    redeem(world, coupon.code, now=NOW + timedelta(days=1, microseconds=-1))
    with pytest.raises(VoucherExpired):
        redeem(world, coupon.code, now=NOW + timedelta(days=1))


def test_coupon_of_a_paused_campaign_waits(world: World) -> None:
    campaign = world.campaign()
    coupon = world.voucher(campaign, world.customer())
    with transaction() as session:
        campaigns.pause(session, campaign_id=campaign, actor="staff:test", now=NOW)

    with pytest.raises(CampaignNotRunning) as refusal:
        redeem(world, coupon.code)
    assert refusal.value.facts == {"campaign_status": "paused", "voucher": 0}

    with transaction() as session:
        campaigns.start(session, campaign_id=campaign, actor="staff:test", now=NOW)
    assert redeem(world, coupon.code).amount_minor == 500


def test_coupon_is_used_as_often_as_its_campaign_says(world: World) -> None:
    coupon = world.voucher(world.campaign(limit_per_customer=2), world.customer())

    redeem(world, coupon.code)
    redeem(world, coupon.code)
    with pytest.raises(VoucherUsedUp) as refusal:
        redeem(world, coupon.code)
    assert refusal.value.facts == {"used": 2, "limit": 2, "voucher": 0}


def test_second_voucher_of_a_campaign_does_not_pass_its_limit_by_customer(world: World) -> None:
    campaign, customer = world.campaign(), world.customer()
    first, second = world.voucher(campaign, customer), world.voucher(campaign, customer)

    redeem(world, first.code)
    with pytest.raises(LimitReached):
        redeem(world, second.code)


def test_generic_code_works_until_its_limit(world: World) -> None:
    campaign = world.campaign(limit_total=2)
    generic = world.voucher(campaign, None, chosen_code="SPRING10")

    assert [redeem(world, "spring 10").customer_id, redeem(world, generic.id).customer_id] == [None, None]
    with pytest.raises(LimitReached) as refusal:
        redeem(world, "SPRING10")
    assert refusal.value.facts == {"limit": 2, "voucher": 0}


def test_generic_code_for_an_audience_needs_to_know_the_customer(world: World) -> None:
    generic = world.voucher(world.campaign(audience=[world.customer()]), None)

    with pytest.raises(NotInAudience):
        redeem(world, generic.code)


def test_budget_pays_to_the_last_cent_and_no_further(world: World) -> None:
    campaign = world.campaign(budget_minor=500, limit_per_customer=2)
    coupon = world.voucher(campaign, world.customer())

    redeem(world, coupon.code)
    with pytest.raises(BudgetExhausted):
        redeem(world, coupon.code)
    assert world.budget(campaign) == 0
    assert world.rows("SELECT used FROM rewards.voucher") == [(1,)]


def test_minimum_spend_is_the_whole_baskets(world: World) -> None:
    coupon = world.voucher(world.campaign(min_spend_minor=3_000, skus=["milk"]), world.customer())

    with pytest.raises(MinimumSpend) as refusal:
        redeem(world, coupon.code, line(2_999))
    assert refusal.value.facts == {"total_minor": 2_999, "min_spend_minor": 3_000, "voucher": 0}
    assert redeem(world, coupon.code, line(1_000), line(2_000, sku="tea")).amount_minor == 500


def test_scoped_coupon_takes_off_only_what_it_covers(world: World) -> None:
    campaign = world.campaign(skus=["milk"], limit_per_customer=2)
    coupon = world.voucher(campaign, world.customer())

    with pytest.raises(BasketNotCovered):
        redeem(world, coupon.code, line(sku="tea"))
    assert redeem(world, coupon.code, line(300), line(2_000, sku="tea")).amount_minor == 300


def test_same_till_reference_is_redeemed_once(world: World) -> None:
    campaign, customer = world.campaign(limit_per_customer=5), world.customer()
    coupon, other = world.voucher(campaign, customer), world.voucher(campaign, customer)

    first, again = (redeem(world, coupon.code, till_reference="B-1") for _ in range(2))

    assert first == again
    assert world.payable == 500
    with pytest.raises(RedemptionReferenceReused):
        redeem(world, other.code, till_reference="B-1")
