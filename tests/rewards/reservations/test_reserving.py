"""What a reservation holds, nobody else can have, until its basket is taken, it is released, or its time is over."""

from datetime import timedelta

import pytest

from core.db import statement
from rewards.baskets import Basket
from rewards.errors import BudgetExhausted, LimitReached, VoucherUsedUp
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.reservations.errors import ReservationOver
from tests.rewards.checkouts.deeds import take
from tests.rewards.reservations.conftest import BEST, LASTS, NOW, Shop, line
from wallet.errors import InsufficientFunds
from wallet.paying.errors import TillReferenceReused


def test_reserved_use_is_nobody_elses_and_is_just_what_is_taken(shop: Shop) -> None:
    world = shop.world
    campaign = world.campaign(limit_total=1)
    customer, other = world.customer(), world.customer()
    generic = world.voucher(campaign, None)

    reserved = shop.reserve(customer, vouchers=(generic.code,))
    with pytest.raises(LimitReached):
        take(world.checkout(other, vouchers=(generic.code,)))
    with pytest.raises(LimitReached), statement() as connection:
        asked = Request(
            till=world.till, reference=generic.code, basket=Basket((line(),)), currency="USD", till_reference="R-1"
        )
        redeeming.redeem(connection, asked, at=NOW)
    taken = shop.take(reserved)

    assert (taken.discount_minor, taken.paid_minor) == (500, 1_500)
    assert [each.voucher_id for each in taken.redemptions] == [generic.id]
    assert (world.budget(campaign), world.cash(customer), world.payable) == (99_500, 8_500, 2_000)
    assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(1,)]
    assert [each["ended_by"] for each in world.events("reservation.ended")] == ["taken"]
    assert len(world.events("order.completed")) == len(world.events("voucher.redeemed")) == 1


def test_last_of_a_budget_and_a_gift_cards_value_are_held(shop: Shop) -> None:
    world = shop.world
    campaign, customer = world.campaign(budget_minor=700, limit_per_customer=None), world.customer()
    coupons = [world.voucher(campaign, customer).id for _ in range(2)]
    card = world.voucher(world.gift_campaign(1_000), customer)

    reserved = shop.reserve(customer, line(1_200), vouchers=(coupons[0], card.id))

    assert (reserved.discount_minor, reserved.gift_minor, reserved.rest_minor) == (500, 700, 0)
    assert (world.budget(campaign), world.gift(card)) == (200, 300)
    with pytest.raises(BudgetExhausted):
        take(world.checkout(customer, vouchers=(coupons[1],)))
    assert take(world.checkout(customer, line(2_000), vouchers=(card.id,))).gift_minor == 300
    assert (shop.take(reserved).transfer_id is not None, world.gift(card), world.payable) == (True, 0, 3_200)


def test_reserved_coupon_is_used_up_for_everybody_else(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)

    reserved = shop.reserve(customer, vouchers=(coupon.id,))

    with pytest.raises(VoucherUsedUp):
        take(world.checkout(customer, vouchers=(coupon.id,)))
    with pytest.raises(VoucherUsedUp):
        shop.reserve(customer, vouchers=(coupon.id,))
    shop.release(reserved)
    assert take(world.checkout(customer, vouchers=(coupon.id,))).discount_minor == 500


@pytest.mark.parametrize("by", ["released", "expired"])
def test_all_goes_back_to_the_very_place(shop: Shop, by: str) -> None:
    world = shop.world
    limits = (
        {"scope": "total", "measure": "uses", "period": "day", "most": 3},
        {"scope": "store", "measure": "amount", "period": "week", "most": 1_800},
        {"scope": "customer", "measure": "amount", "period": "ever", "most": 1_200},
    )
    customer = world.customer()
    campaign = world.campaign(limits=limits)
    coupon, card = world.voucher(campaign, customer), world.voucher(world.gift_campaign(900), customer)
    before = shop.held()

    reserved = shop.reserve(customer, vouchers=(coupon.id, card.id))
    shop.check()
    assert shop.held() != before
    # Over midnight: it goes back to yesterday's bucket.
    if by == "released":
        ended = shop.release(reserved, at=NOW + timedelta(minutes=14))
        assert ended == shop.release(reserved, at=NOW + timedelta(hours=2))
    else:
        assert (shop.expire(NOW + timedelta(days=1)), shop.expire(NOW + timedelta(days=1))) == (1, 0)

    assert shop.held() == before
    assert world.rows("SELECT state FROM rewards.reservation") == [(by,)]
    assert [each["ended_by"] for each in world.events("reservation.ended")] == [by]
    with pytest.raises(ReservationOver):
        shop.take(reserved)


def test_time_ends_at_its_instant(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    reserved = [
        shop.reserve(customer, vouchers=(world.voucher(world.campaign(), customer).id,), lasts=timedelta(minutes=1))
        for _ in range(2)
    ]
    until = reserved[0].reserved_until
    assert until == NOW + timedelta(minutes=1)

    assert shop.expire(until - timedelta(microseconds=1)) == 0
    shop.take(reserved[0], at=until - timedelta(microseconds=1), reference="B-1")
    with pytest.raises(ReservationOver):
        shop.take(reserved[1], at=until, reference="B-2")
    assert shop.expire(until) == 1


def test_what_was_promised_holds_whatever_has_changed_since(shop: Shop) -> None:
    world = shop.world
    campaign, customer = world.campaign(), world.customer()
    coupon = world.voucher(campaign, customer)
    reserved = shop.reserve(customer, vouchers=(coupon.id,))
    world.rows("UPDATE rewards.campaign SET state = 'ended', revision = revision + 1 RETURNING id")
    world.rows("UPDATE rewards.voucher SET expires_at = %s, state = 'blocked' RETURNING id", NOW)

    taken = shop.take(reserved, at=NOW + timedelta(minutes=5))

    assert taken.discount_minor == 500
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("blocked", 1)]


def test_blocked_voucher_stays_blocked_when_it_comes_back(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    reserved = shop.reserve(customer, vouchers=(world.voucher(world.campaign(), customer).id,))
    world.rows("UPDATE rewards.voucher SET state = 'blocked' RETURNING id")

    shop.release(reserved)

    assert world.rows("SELECT state, used FROM rewards.voucher") == [("blocked", 0)]


def test_wallet_that_does_not_cover_the_rest_leaves_the_reservation_open(shop: Shop) -> None:
    world = shop.world
    customer = world.customer(1_499)
    reserved = shop.reserve(customer, vouchers=(world.voucher(world.campaign(), customer).id,))

    with pytest.raises(InsufficientFunds):
        shop.take(reserved)
    taken = shop.take(reserved, rest="till")

    assert (taken.discount_minor, taken.paid_minor, taken.at_till_minor) == (500, 0, 1_500)
    assert (world.cash(customer), world.payable) == (1_499, 500)


def test_best_vouchers_are_reserved_in_their_order(shop: Shop) -> None:
    world = shop.world
    customer = world.customer(0)
    large = world.voucher(world.campaign(discount={"kind": "percentage", "bps": 5_000}), customer)
    card = world.voucher(world.gift_campaign(5_000), customer)

    reserved = shop.reserve(customer, vouchers=BEST)

    assert [(use.voucher_id, use.amount_minor) for use in reserved.uses] == [(large.id, 1_000), (card.id, 1_000)]
    taken = shop.take(reserved)
    assert (taken.discount_minor, taken.gift_minor, taken.lines[0][-1]) == (1_000, 1_000, 1_000)


def test_refused_basket_holds_nothing(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    dear = world.voucher(world.campaign(min_spend_minor=2_001), customer)
    before = shop.held()

    with pytest.raises(Exception, match="below"):
        shop.reserve(customer, vouchers=(coupon.id, dear.id))

    assert shop.held() == before
    assert world.rows("SELECT FROM rewards.reservation") == []


def test_coupon_worth_nothing_is_held_without_value(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    lenient = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, skus=["tea"], limit_total=1)
    coupon = world.voucher(lenient, customer)

    reserved = shop.reserve(customer, vouchers=(coupon.id,))

    assert (reserved.hold_id, len(reserved.uses)) == (None, 1)
    assert shop.take(reserved).redemptions[0].amount_minor == 0


def test_lost_answer_is_given_again_under_its_reference(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    asked = {"vouchers": (world.voucher(world.campaign(), customer).id,), "till_reference": "R-1"}

    first, again = (shop.reserve(customer, **asked) for _ in range(2))

    assert (again, first.replayed, again.replayed) == (first, False, True)
    with pytest.raises(TillReferenceReused):
        shop.reserve(customer, line(1_999), **asked)
    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="R-1"))
    with pytest.raises(TillReferenceReused):
        shop.take(first, reference="R-1")
    shop.take(first)
    assert shop.reserve(customer, **asked).state == "taken"


def test_basket_is_taken_once_under_its_reference(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    reserved = shop.reserve(customer, vouchers=(world.voucher(world.campaign(), customer).id,))

    first, again = (shop.take(reserved) for _ in range(2))

    assert (again, again.replayed) == (first, True)
    with pytest.raises(ReservationOver):
        shop.take(reserved, reference="B-2")
    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="B-1"))
    with pytest.raises(ReservationOver):
        shop.release(reserved)
    assert timedelta(minutes=15) == LASTS
