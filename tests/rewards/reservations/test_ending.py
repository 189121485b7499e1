"""Reversals, other tills, visits, and what the audit says of reservations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core import ids
from core.db import connection_of, transaction
from rewards import checks as rewards_checks
from rewards.gift_cards import merging
from rewards.redemption.errors import VisitOver
from rewards.reservations import work
from rewards.reservations.errors import ReservationOver
from rewards.reservations.rows import Reservation
from tests.rewards.checkouts.deeds import take
from tests.rewards.reservations.conftest import LASTS, NOW, Shop, line
from tests.rewards.rollbacks.conftest import Deeds, deeds
from wallet import holds, standing
from wallet.errors import AccountFrozen
from wallet.paying import till_payments
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.till_holds import of_customer
from wallet.paying.till_payments import TillPayment
from wallet.paying.tills import Till

__all__ = ["deeds"]


def reserved_of(shop: Shop, **changes: object) -> Reservation:
    """Of 20.00 a coupon gives 5.00 and a card 7.00."""
    world = shop.world
    customer = world.customer()
    vouchers = (world.voucher(world.campaign(), customer).id, world.voucher(world.gift_campaign(700), customer).id)
    return shop.reserve(customer, **({"vouchers": vouchers} | changes))


def test_reversal_releases_and_bars(shop: Shop, deeds: Deeds) -> None:
    world = shop.world
    reserved = reserved_of(shop, till_reference="R-1")

    answers = [deeds.reverse("R-1").reversal for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0].payment_id is None
    assert world.rows("SELECT state FROM rewards.reservation") == [("reversed",)]
    assert world.rows("SELECT used FROM rewards.voucher") == [(0,)] * 2
    assert world.rows("SELECT sum(held)::int FROM wallet.balance") == [(0,)]
    with pytest.raises(PaymentReversed):
        shop.reserve(reserved.customer_id, till_reference="R-1")
    with pytest.raises(ReservationOver):
        shop.take(reserved)


def test_reversal_before_the_reservation_bars_it(shop: Shop, deeds: Deeds) -> None:
    deeds.reverse("R-1")

    with pytest.raises(PaymentReversed):
        reserved_of(shop, till_reference="R-1")


def test_taken_reservation_is_reversed_by_its_baskets_reference(shop: Shop, deeds: Deeds) -> None:
    world = shop.world
    reserved = reserved_of(shop, till_reference="R-1")
    shop.take(reserved)

    with pytest.raises(TillReferenceReused):
        deeds.reverse("R-1")
    deeds.reverse("B-1")

    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2
    coupons = "SELECT sum(k.used) FROM rewards.counter k JOIN rewards.campaign c ON c.id = k.campaign_id"
    assert world.rows(f"{coupons} WHERE c.kind = 'coupon'") == [(0,)]
    assert (world.cash(reserved.customer_id), world.payable) == (10_000, 0)
    with pytest.raises(PaymentReversed):
        shop.take(reserved)


def test_reservation_is_its_terminals_alone(shop: Shop) -> None:
    reserved, till = reserved_of(shop), shop.world.till
    beside = Till(merchant_id=till.merchant_id, store_id=till.store_id, terminal_id=ids.new())

    for deed in (shop.take, shop.release):
        with pytest.raises(ReservationOver):
            deed(reserved, till=beside)
    shop.release(reserved)


def test_line_of_a_reserved_basket_comes_back_as_of_any(shop: Shop, deeds: Deeds) -> None:
    taken = shop.take(reserved_of(shop))

    deeds.give_back(taken)

    assert shop.world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2
    assert shop.world.payable == 0


def test_worker_ends_what_a_crash_left_behind(shop: Shop) -> None:
    world = shop.world
    for _ in range(3):
        reserved_of(shop)
    assert work.expire_due(NOW + LASTS - timedelta(microseconds=1)) == 0

    assert (work.expire_due(NOW + LASTS), work.expire_due(NOW + LASTS)) == (3, 0)

    assert world.rows("SELECT sum(used)::int FROM rewards.voucher") == [(0,)]
    assert world.rows("SELECT sum(held)::int FROM wallet.balance") == [(0,)]


def test_worker_that_comes_too_late_finds_the_value_free_already(shop: Shop) -> None:
    reserved_of(shop)
    late = NOW + LASTS + timedelta(hours=1)
    with transaction() as session:
        assert holds.expire_due(session, now=late) == 1
    shop.check()

    assert work.expire_due(late) == 1
    assert shop.world.rows("SELECT sum(held)::int FROM wallet.balance") == [(0,)]


def test_customer_sees_no_hold_of_the_brands_budget(shop: Shop) -> None:
    reserved = reserved_of(shop)

    with transaction() as session:
        assert of_customer(session, reserved.customer_id, before=None, limit=10) == []


def test_one_scan_pays_once_however_much_was_reserved_by_it(shop: Shop) -> None:
    world = shop.world
    visit_id = ids.new()
    world.rows(
        "INSERT INTO rewards.visit (id, customer_id, terminal_id, opened_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        visit_id, ids.new(), world.till.terminal_id, NOW, NOW,
    )  # fmt: skip
    first, second = (reserved_of(shop, visit_id=visit_id) for _ in range(2))

    # That the visit is over by its time does not matter: what it reserved stands by itself.
    shop.take(first, reference="B-1")
    with pytest.raises(VisitOver):
        shop.take(second, reference="B-2")

    assert world.rows("SELECT ended_by FROM rewards.visit") == [("checkout",)]
    shop.release(second)


def test_frozen_wallet_keeps_its_reserved_card_until_it_is_thawed(shop: Shop) -> None:
    reserved = reserved_of(shop)
    owner = f"customer:{reserved.customer_id}"
    with transaction() as session:
        standing.freeze(session, owner)

    with pytest.raises(AccountFrozen):
        shop.take(reserved, rest="till")
    with transaction() as session:
        standing.unfreeze(session, owner)
    assert shop.take(reserved, rest="till").gift_minor == 700


def test_reserved_part_of_a_card_that_is_merged_comes_back_to_it(shop: Shop) -> None:
    world = shop.world
    customer, gifts = world.customer(), world.gift_campaign(2_000, limit_per_customer=None)
    card, into = (world.voucher(gifts, customer) for _ in range(2))
    reserved = shop.reserve(customer, line(700), vouchers=(card.id,))
    with transaction() as session:
        merging.merge(
            session, principal="test", key="m", fingerprint=b"", customer_id=customer, from_id=card.id, into_id=into.id,
            now=NOW,
        )  # fmt: skip
    assert (world.gift(card), world.gift(into)) == (0, 3_300)

    shop.release(reserved)

    assert world.gift(card) == 700
    assert world.rows("SELECT state FROM rewards.voucher WHERE id = %s", card.id) == [("active",)]
    assert take(world.checkout(customer, line(700), vouchers=(card.id,))).gift_minor == 700


def test_reference_of_a_reservation_that_holds_nothing_names_no_basket(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    shop.reserve(customer, till_reference="R-1")

    for rest in ("wallet", "till"):
        with pytest.raises(TillReferenceReused):
            take(world.checkout(customer, till_reference="R-1", rest=rest))
    take(world.checkout(customer, till_reference="B-1"))
    with pytest.raises(TillReferenceReused):
        shop.reserve(customer, till_reference="B-1")


def test_reservation_that_holds_nothing_keeps_its_reference_from_all_others(shop: Shop, deeds: Deeds) -> None:
    world = shop.world
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    payment = TillPayment(
        till=world.till, till_reference="R-1", customer_id=customer, amount_minor=100, currency="USD", at=NOW
    )
    shop.reserve(customer, till_reference="R-1")

    with pytest.raises(TillReferenceReused):
        deeds.redeem(coupon.id, reference="R-1")
    with pytest.raises(TillReferenceReused), transaction() as session:
        till_payments.take(session, payment)

    answers = [deeds.reverse("R-1").reversal for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].payment_id is None
    assert world.rows("SELECT state FROM rewards.reservation") == [("reversed",)]
    with pytest.raises(PaymentReversed):
        shop.reserve(customer, till_reference="R-1")
    with transaction() as session:
        till_payments.take(session, replace(payment, till_reference="R-2"))
    with pytest.raises(TillReferenceReused):
        shop.reserve(customer, till_reference="R-2")


@pytest.mark.parametrize(
    "spoiling",
    [
        "UPDATE rewards.reserved_use SET amount_minor = amount_minor - 1",
        "UPDATE rewards.reservation SET state = 'released', ended_at = reserved_at",
        "DELETE FROM rewards.reserved_use",
    ],
)
def test_audit_names_a_reservation_that_does_not_add_up(shop: Shop, spoiling: str) -> None:
    reserved_of(shop)

    found = None
    with pytest.raises(ZeroDivisionError), transaction() as session:
        connection_of(session).execute(spoiling)
        found = rewards_checks.first_difference(connection_of(session))
        raise ZeroDivisionError

    assert found is not None


def test_reserved_vouchers_do_not_stand_in_the_way_of_others(shop: Shop) -> None:
    reserved = reserved_of(shop)
    other = shop.world.customer()

    assert take(shop.world.checkout(other)).paid_minor == 2_000
    assert shop.take(reserved).gift_minor == 700
