"""Redemptions by themselves: voided within minutes, rolled back later, whole or in part."""

from datetime import timedelta

import pytest

from core import ids
from core.errors import NotFound
from core.idempotency import KeyReused
from rewards.rollbacks.errors import RedemptionInCheckout, RollbackExceedsRedemption, RolledBackAlready, VoidTooLate
from rewards.rollbacks.redemptions import VOIDABLE
from tests.rewards.conftest import NOW, World, line
from tests.rewards.rollbacks.conftest import Deeds
from wallet.lots import REVIVED_FOR
from wallet.paying.errors import PaymentReversed
from wallet.paying.tills import Till


def test_voided_redemption_leaves_nothing_behind(world: World, deeds: Deeds) -> None:
    campaign = world.campaign(limit_total=1)
    coupon = world.voucher(campaign, world.customer())
    made = deeds.redeem(coupon.id, reference="R-1")
    last = NOW + VOIDABLE - timedelta(seconds=1)

    first, again = deeds.void(made.id, at=last), deeds.void(made.id, at=NOW + VOIDABLE)

    assert first == again
    assert (first.kind, first.amount_minor) == ("void", 500)
    assert (world.budget(campaign), world.payable) == (100_000, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]
    assert world.rows("SELECT DISTINCT used FROM rewards.counter") == [(0,)]
    assert [event["is_whole"] for event in world.events("voucher.rolled_back")] == [True]
    deeds.check()
    with pytest.raises(PaymentReversed):
        deeds.redeem(coupon.id, reference="R-1")
    assert deeds.reverse("R-1").reversal.amount_minor == 500  # what the void gave back


def test_void_comes_too_late_after_its_minutes(world: World, deeds: Deeds) -> None:
    coupon = world.voucher(world.campaign(), world.customer())
    made = deeds.redeem(coupon.id)

    with pytest.raises(VoidTooLate):
        deeds.void(made.id, at=NOW + VOIDABLE)

    assert deeds.roll_back(made).amount_minor == 500


def test_only_the_same_terminal_voids(world: World, deeds: Deeds) -> None:
    coupon = world.voucher(world.campaign(), world.customer())
    made = deeds.redeem(coupon.id)
    next_one = Till(merchant_id=world.till.merchant_id, store_id=world.till.store_id, terminal_id=ids.new())

    with pytest.raises(NotFound):
        deeds.void(made.id, till=next_one)
    with pytest.raises(NotFound):
        deeds.void(ids.new())


def test_part_goes_back_and_the_use_with_the_rest(world: World, deeds: Deeds) -> None:
    campaign = world.campaign(limit_total=1)
    coupon = world.voucher(campaign, world.customer())
    made = deeds.redeem(coupon.id)

    part = deeds.roll_back(made, 200, key="one")
    assert deeds.roll_back(made, 200, key="one") == part
    assert (world.budget(campaign), world.payable) == (99_700, 300)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("used_up", 1)]
    assert world.rows("SELECT DISTINCT used FROM rewards.counter") == [(1,)]

    with pytest.raises(RollbackExceedsRedemption) as refusal:
        deeds.roll_back(made, 301)
    assert refusal.value.facts == {"left_minor": 300}
    with pytest.raises(KeyReused):
        deeds.roll_back(deeds.redeem(world.voucher(world.campaign(), None).id), 1, key="one", fingerprint=b"other")

    deeds.roll_back(made, 300)
    assert world.budget(campaign) == 100_000
    assert world.rows("SELECT state, used FROM rewards.voucher WHERE id = %s", coupon.id) == [("active", 0)]
    with pytest.raises(RolledBackAlready):
        deeds.roll_back(made)
    deeds.check()


def test_redemption_of_a_checkout_comes_back_with_it_alone(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    taken = deeds.take(customer, vouchers=(world.voucher(world.campaign(), customer).id,))

    for deed in (deeds.roll_back, lambda redemption: deeds.void(redemption.id)):
        with pytest.raises(RedemptionInCheckout):
            deed(taken.redemptions[0])


def test_another_merchants_redemption_is_not_there_nor_its_checkout(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    alone = deeds.redeem(world.voucher(world.campaign(), customer).id)
    [within] = deeds.take(customer, vouchers=(world.voucher(world.campaign(), customer).id,)).redemptions
    stranger = Till(merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new())

    for made in (alone, within):
        with pytest.raises(NotFound):
            deeds.roll_back(made, merchant_id=stranger.merchant_id)
        with pytest.raises(NotFound):
            deeds.void(made.id, till=stranger)


def test_gift_card_that_had_expired_can_be_spent_again(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    card = world.voucher(world.gift_campaign(2_000, voucher_days=5), customer)
    made = deeds.redeem(card.id)
    world.rows("UPDATE rewards.voucher SET expires_at = %s RETURNING 1", NOW)

    back = deeds.roll_back(made)

    assert (world.gift(card), back.amount_minor) == (2_000, 2_000)
    assert world.rows("SELECT state, used, expires_at FROM rewards.voucher") == [
        ("active", 0, back.made_at + REVIVED_FOR)
    ]
    deeds.check()


def test_generic_codes_row_is_not_touched(world: World, deeds: Deeds) -> None:
    generic = world.voucher(world.campaign(limit_total=2, limit_per_customer=None), None)
    made = deeds.redeem(generic.id, line(900))

    deeds.roll_back(made)

    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]
    assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(0,)]
