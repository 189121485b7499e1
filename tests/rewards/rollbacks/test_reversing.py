"""A till takes back what stands under its reference, vouchers included."""

from datetime import timedelta

import pytest

from app import worker
from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events import readers
from rewards import reactions
from rewards.rollbacks import refunded
from rewards.rollbacks.lines import Asked
from tests.rewards.conftest import NOW, World, line
from tests.rewards.rollbacks.conftest import LATER, Deeds
from wallet import payments, refunds
from wallet.paying.errors import PaymentReversed, ReversalTooLate
from wallet.paying.reversals import WINDOW
from wallet.payments import Payment


def test_reversed_checkout_gives_its_vouchers_back(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    campaign = world.campaign(limit_total=1)
    coupon, card = world.voucher(campaign, customer), world.voucher(world.gift_campaign(700), customer)
    taken = deeds.take(customer, vouchers=(coupon.id, card.id), till_reference="B-1")

    first, again = deeds.reverse("B-1"), deeds.reverse("B-1", at=LATER + WINDOW)

    assert first == again
    assert (first.reversal.payment_id, first.reversal.amount_minor) == (taken.transfer_id, 2_000)
    assert (world.cash(customer), world.budget(campaign), world.gift(card), world.payable) == (10_000, 100_000, 700, 0)
    assert world.rows("SELECT DISTINCT state, used FROM rewards.voucher") == [("active", 0)]
    assert world.rows("SELECT DISTINCT used FROM rewards.counter WHERE campaign_id = %s", campaign) == [(0,)]
    assert world.rows("SELECT kind, amount_minor FROM rewards.rollback") == [("reversal", 2_000)]
    deeds.check()
    with pytest.raises(PaymentReversed):
        deeds.take(customer, vouchers=(coupon.id, card.id), till_reference="B-1")
    assert deeds.take(customer, vouchers=(coupon.id,), till_reference="B-2").discount_minor == 500


def test_reversal_gives_what_lines_have_left(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    campaign = world.campaign(limit_total=1)
    coupon = world.voucher(campaign, customer)
    taken = deeds.take(customer, line(), line(sku="tea"), vouchers=(coupon.id,), till_reference="B-1")
    deeds.give_back(taken, [Asked(position=0)])

    done = deeds.reverse("B-1")

    assert done.reversal.amount_minor == 2_000
    assert (world.cash(customer), world.budget(campaign), world.payable) == (10_000, 100_000, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]


def test_reversal_of_what_came_back_whole_gives_nothing_more(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    taken = deeds.take(customer, vouchers=(coupon.id,), till_reference="B-1")
    deeds.give_back(taken)
    before = deeds.state()

    assert deeds.reverse("B-1").reversal.amount_minor == 0
    assert deeds.state() == before


@pytest.mark.parametrize("coupon_minor", [0, 300])
def test_redemption_that_came_back_and_was_reversed_is_not_sent_again(
    world: World, deeds: Deeds, coupon_minor: int
) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False})
    coupon = world.voucher(campaign, world.customer())
    basket = line(coupon_minor=coupon_minor)
    made = deeds.redeem(coupon.id, basket, reference="R-1")
    deeds.roll_back(made)
    assert deeds.redeem(coupon.id, basket, reference="R-1").replayed

    first, again = deeds.reverse("R-1"), deeds.reverse("R-1")

    assert first == again
    assert (first.redemption_id, first.reversal.amount_minor) == (made.id, 0)
    with pytest.raises(PaymentReversed):
        deeds.redeem(coupon.id, basket, reference="R-1")
    deeds.check()


def test_reversed_redemption_gives_voucher_and_counters_back(world: World, deeds: Deeds) -> None:
    campaign = world.campaign(limit_total=1)
    coupon = world.voucher(campaign, world.customer())
    made = deeds.redeem(coupon.id, reference="R-1")

    first, again = deeds.reverse("R-1"), deeds.reverse("R-1", at=LATER + WINDOW)

    assert first == again
    assert (first.redemption_id, first.reversal.payment_id, first.reversal.amount_minor) == (made.id, None, 500)
    assert (world.budget(campaign), world.payable) == (100_000, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]
    assert world.rows("SELECT DISTINCT used FROM rewards.counter") == [(0,)]
    deeds.check()
    with pytest.raises(PaymentReversed):
        deeds.redeem(coupon.id, reference="R-1")
    assert deeds.redeem(coupon.id, reference="R-2").amount_minor == 500


def test_redemption_of_nothing_is_reversed_and_barred(world: World, deeds: Deeds) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, limit_total=1)
    coupon = world.voucher(campaign, world.customer())
    made = deeds.redeem(coupon.id, reference="R-1")
    assert made.transfer_id is None

    first, again = deeds.reverse("R-1"), deeds.reverse("R-1")

    assert first == again
    assert (first.redemption_id, first.reversal.amount_minor) == (made.id, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]
    with pytest.raises(PaymentReversed):
        deeds.redeem(coupon.id, reference="R-1")


def test_tombstone_bars_the_late_original(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)

    done = deeds.reverse("late")

    assert (done.redemption_id, done.reversal.payment_id) == (None, None)
    for deed in (
        lambda: deeds.redeem(coupon.id, reference="late"),
        lambda: deeds.take(customer, vouchers=(coupon.id,), till_reference="late"),
    ):
        with pytest.raises(PaymentReversed):
            deed()
    assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]


@pytest.mark.parametrize("lines", [(), (line(0),)])
def test_reversal_is_refused_a_day_later(world: World, deeds: Deeds, lines: tuple) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, limit_per_customer=2)
    customer = world.customer()
    coupon = world.voucher(campaign, customer)
    deeds.redeem(coupon.id, *lines, reference="R-1")
    deeds.take(customer, *lines, vouchers=(coupon.id,), till_reference="B-1")

    for reference in ("R-1", "B-1"):
        with pytest.raises(ReversalTooLate):
            deeds.reverse(reference, at=NOW + WINDOW)
    assert world.rows("SELECT used FROM rewards.voucher") == [(2,)]

    for reference in ("R-1", "B-1"):
        deeds.reverse(reference, at=NOW + WINDOW - timedelta(seconds=1))
    assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]


def test_whole_refund_of_a_checkouts_payment_gives_its_vouchers_back(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    campaign = world.campaign(limit_total=1)
    coupon = world.voucher(campaign, customer)
    taken = deeds.take(customer, vouchers=(coupon.id,))
    assert taken.transfer_id

    for amount, used in ((1_999, 1), (1, 0), (None, 0)):
        with transaction() as session:
            if amount:
                refunds.refund(
                    session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=taken.transfer_id,
                    merchant_id=world.till.merchant_id, amount_minor=amount, at=LATER,
                )  # fmt: skip
            refunded.close_all(session, refunded.open_all(session, [(taken.transfer_id, LATER)]))
        assert world.rows("SELECT used FROM rewards.voucher") == [(used,)]

    assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(0,)]
    assert reactions.READERS[0].names == frozenset({"payment.refunded"})
    deeds.check()


def test_what_a_refused_reversal_began_is_undone(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(limit_total=1), customer)
    deeds.take(customer, vouchers=(coupon.id,), till_reference="B-1")
    before = deeds.state()

    with pytest.raises(Refusal):
        deeds.reverse("B-1", at=NOW + WINDOW)

    assert deeds.state() == before


def test_refund_of_a_payment_without_a_basket_concerns_no_voucher(world: World, deeds: Deeds) -> None:
    readers.register(reactions.READERS)
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    deeds.take(customer, vouchers=(coupon.id,))
    with transaction() as session:
        paid = payments.pay(
            connection_of(session),
            Payment(
                principal=f"customer:{customer}", key="a", fingerprint=b"", customer_id=customer,
                merchant_id=world.till.merchant_id, amount_minor=300, currency="USD", at=NOW,
            ),
        )  # fmt: skip
    with transaction() as session:
        refunds.refund(
            session, principal="test", key="b", fingerprint=b"", payment_id=paid.transfer_id,
            merchant_id=world.till.merchant_id, amount_minor=None, at=LATER,
        )  # fmt: skip

    worker.drain(reactions.READERS, [], now=LATER)

    assert world.rows("SELECT used FROM rewards.voucher") == [(1,)]
    assert world.rows("SELECT FROM core.reader_parked") == []
