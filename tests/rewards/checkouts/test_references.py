"""The till's own reference names one basket, for ever."""

import pytest

from core.db import transaction
from rewards.checkouts import Checkout
from tests.rewards.checkouts.deeds import take, take_all
from tests.rewards.conftest import NOW, World, line
from tests.rewards.rollbacks.conftest import Deeds
from wallet.paying import reversals, till_payments
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.till_payments import TillPayment


def test_same_till_reference_is_taken_once(world: World) -> None:
    customer = world.customer(10_000)
    coupon = world.voucher(world.campaign(), customer)
    request = world.checkout(customer, vouchers=(coupon.code,))

    first, again = take(request), take(request)

    assert again == first
    assert (first.replayed, again.replayed) == (False, True)
    assert (world.cash(customer), world.payable) == (8_500, 2_000)


def test_same_till_reference_twice_in_one_batch_is_taken_once(world: World) -> None:
    request = world.checkout(world.customer())

    first, again = take_all(request, request)

    assert first == again
    assert world.payable == 2_000


def test_till_reference_names_one_basket(world: World) -> None:
    customer = world.customer()
    request = world.checkout(customer, till_reference="A-1")
    take(request)

    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, line(1_999), till_reference="A-1"))


def test_till_takes_a_basket_back_by_its_own_reference(world: World) -> None:
    campaign = world.campaign()
    customer = world.customer()
    coupon, card = world.voucher(campaign, customer), world.voucher(world.gift_campaign(700), customer)
    taken = take(world.checkout(customer, vouchers=(coupon.id, card.id), till_reference="B-1"))

    with transaction() as session:
        reversed_ = reversals.reverse(session, world.till, "B-1", at=NOW)

    assert (reversed_.payment_id, reversed_.amount_minor) == (taken.transfer_id, 2_000)
    assert (world.cash(customer), world.gift(card), world.budget(campaign)) == (10_000, 700, 100_000)
    assert world.payable == 0
    with pytest.raises(PaymentReversed):
        take(world.checkout(customer, vouchers=(coupon.id, card.id), till_reference="B-1"))


def test_basket_that_the_till_took_back_before_it_came_is_refused(world: World, refused) -> None:
    customer = world.customer()
    with transaction() as session:
        reversals.reverse(session, world.till, "B-1", at=NOW)

    outcomes = take_all(world.checkout(customer, till_reference="B-1"), world.checkout(customer, till_reference="B-2"))

    refused(outcomes[0], PaymentReversed)
    assert isinstance(outcomes[1], Checkout)


def test_reference_of_a_payment_cannot_name_a_basket(world: World) -> None:
    customer = world.customer()
    with transaction() as session:
        till_payments.take(
            session,
            TillPayment(
                till=world.till, customer_id=customer, amount_minor=5, currency="USD", till_reference="B-1", at=NOW
            ),
        )

    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="B-1"))
    assert world.payable == 5


@pytest.mark.parametrize("coupon_minor", [0, 300])
def test_reference_of_a_redemption_cannot_name_a_basket(world: World, coupon_minor: int) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False})
    customer = world.customer()
    Deeds(world).redeem(world.voucher(campaign, customer).id, line(coupon_minor=coupon_minor), reference="B-1")

    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="B-1"))
    assert (world.payable, world.cash(customer)) == (coupon_minor, 10_000)
