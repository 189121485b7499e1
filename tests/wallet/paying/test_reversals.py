"""A payment whose answer was lost: taken back if it came, refused if it comes after, never both taken and kept."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import accounts
from wallet.paying import reversals
from wallet.paying.errors import PaymentRequestCancelled, PaymentReversed, ReversalTooLate


def test_reversal_gives_every_source_back_what_it_gave(shop: Shop) -> None:
    customer_id = shop.customer(cash=500, promotional=300, points=250)
    shop.gift_card(customer_id, 200)
    before = shop.held(customer_id)
    posted = shop.take(customer_id, 1000, reference="B-1", tip=50)

    reversal = shop.reverse("B-1")

    assert (reversal.payment_id, reversal.amount_minor, reversal.reversed_at) == (posted.transfer_id, 1050, NOW)
    assert (shop.held(customer_id), shop.owed) == (before, 0)
    [event] = shop.events("payment.reversed")
    assert (event["payment_id"], event["amount_minor"]) == (str(posted.transfer_id), 1050)
    shop.check()


def test_reversal_without_a_payment_leaves_a_tombstone(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)

    reversal = shop.reverse("B-1")

    assert (reversal.payment_id, reversal.amount_minor) == (None, None)
    with pytest.raises(PaymentReversed):
        shop.take(customer_id, 1000, reference="B-1")
    assert (shop.held(customer_id)["cash"], shop.owed) == (1000, 0)
    shop.take(customer_id, 1000, reference="B-2")


@pytest.mark.parametrize("is_paid", [True, False])
def test_reversal_again_is_the_same_answer(shop: Shop, is_paid: bool) -> None:
    if is_paid:
        shop.take(shop.customer(cash=1000), 1000, reference="B-1")

    first = shop.reverse("B-1")
    again = shop.reverse("B-1", at=NOW + timedelta(days=3))

    assert again == first
    assert len(shop.events("payment.reversed")) == 1
    assert shop.owed == 0


def test_reversed_payment_sent_again_is_not_told_as_one_that_stands(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    shop.take(customer_id, 1000, reference="B-1")
    shop.reverse("B-1")

    with pytest.raises(PaymentReversed):
        shop.take(customer_id, 1000, reference="B-1")
    assert (shop.held(customer_id)["cash"], shop.owed) == (1000, 0)


def test_reversal_gives_back_only_what_has_not_gone_back(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    posted = shop.take(customer_id, 1000, reference="B-1")
    shop.refund(posted.transfer_id, 300)

    assert shop.reverse("B-1").amount_minor == 700

    other = shop.take(customer_id, 1000, reference="B-2")
    shop.refund(other.transfer_id)
    assert [shop.reverse("B-2", at=NOW + timedelta(days=day)).amount_minor for day in (0, 2)] == [0, 0]
    with pytest.raises(PaymentReversed):
        shop.take(customer_id, 1000, reference="B-2")
    assert (shop.held(customer_id)["cash"], shop.owed) == (1000, 0)


def test_payment_can_be_reversed_for_a_day(shop: Shop) -> None:
    customer_id = shop.customer(cash=2000)
    for reference in ("B-1", "B-2"):
        shop.take(customer_id, 1000, reference=reference)
    end = NOW + reversals.WINDOW

    shop.reverse("B-1", at=end - timedelta(microseconds=1))
    with pytest.raises(ReversalTooLate) as late:
        shop.reverse("B-2", at=end)

    assert late.value.facts == {"reversible_until": "2026-11-22T12:00:00+00:00"}
    assert shop.owed == 1000


def test_reversal_takes_the_basket_back_that_was_shown_as_a_code(shop: Shop) -> None:
    request = shop.ask(1000, reference="B-1")
    customer_id = shop.customer(cash=1000)

    shop.reverse("B-1")

    with pytest.raises(PaymentRequestCancelled):
        shop.pay(customer_id, code=shop.code_of(request))
    assert shop.owed == 0


def test_reversal_gives_a_scanned_payment_back(shop: Shop) -> None:
    request = shop.ask(1000, reference="B-1")
    customer_id = shop.customer(cash=1000)
    posted = shop.pay(customer_id, code=shop.code_of(request))

    assert shop.reverse("B-1").payment_id == posted.transfer_id
    assert shop.held(customer_id)["cash"] == 1000


def test_other_tills_reference_is_another(shop: Shop) -> None:
    shop.take(shop.customer(cash=1000), 1000, reference="B-1")

    reversal = shop.reverse("B-1", till=replace(shop.till, terminal_id=ids.new()))

    assert (reversal.payment_id, shop.owed) == (None, 1000)


def test_payment_is_found_by_the_tills_reference(shop: Shop) -> None:
    posted = shop.take(shop.customer(cash=1000), 1000, reference="B-1")
    shop.reverse("B-2")

    def found(reference: str) -> object:
        with transaction() as session:
            return reversals.payment_of(connection_of(session), shop.till, reference)["id"]

    assert found("B-1") == posted.transfer_id
    with pytest.raises(PaymentReversed):
        found("B-2")
    with pytest.raises(NotFound):
        found("B-3")


@pytest.mark.parametrize("round_", range(4))
def test_of_a_payment_and_its_reversal_at_once_one_is_first_and_nothing_is_kept(shop: Shop, round_: int) -> None:
    customers = [shop.customer(cash=100, promotional=50) for _ in range(8)]

    def at_once(deed: int) -> str:
        place, kind = divmod(deed, 3)
        try:
            if kind == round_ % 3:
                shop.reverse(f"B-{place}")
                return "reversed"
            shop.take(customers[place], 120, reference=f"B-{place}")
        except Refusal as refusal:
            return refusal.code
        return "taken"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(at_once, range(24)))

    assert outcomes.count("reversed") == 8
    assert set(outcomes) <= {"reversed", "taken", PaymentReversed.code}
    assert shop.owed == 0
    assert [sum(shop.held(customer_id).values()) for customer_id in customers] == [150] * 8
    shop.check()


def test_value_that_lapsed_meanwhile_comes_back_for_a_while(shop: Shop) -> None:
    customer_id = shop.customer()
    shop.give(accounts.promotional(customer_id, "USD"), 300, expires_at=NOW + timedelta(hours=1))
    shop.take(customer_id, 300, reference="B-1")

    shop.reverse("B-1", at=NOW + timedelta(hours=2))

    with pytest.raises(Refusal):
        shop.take(customer_id, 300, at=NOW + timedelta(days=31))
    shop.take(customer_id, 300, at=NOW + timedelta(days=30))


@pytest.mark.parametrize("is_paid", [True, False])
def test_reversals_at_once_are_one(shop: Shop, is_paid: bool) -> None:
    customer_id = shop.customer(cash=1000)
    if is_paid:
        shop.take(customer_id, 1000, reference="B-1")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.reverse("B-1"), range(8)))

    assert len(set(answers)) == 1
    assert len(shop.events("payment.reversed")) == 1
    assert (shop.held(customer_id)["cash"], shop.owed) == (1000, 0)
