"""At a till: one reference, one payment, out of whatever the customer has."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from tests.core.locks import until_somebody_waits
from tests.wallet.conftest import NOW, transfer
from tests.wallet.paying.conftest import Shop
from wallet import accounts, ledger
from wallet.errors import InsufficientFunds
from wallet.paying import requests
from wallet.paying.errors import PaymentRequestCancelled, TillReferenceReused, TipNotAllowed


def test_till_takes_cash(shop: Shop) -> None:
    customer_id = shop.customer(cash=1500)

    posted = shop.take(customer_id, 1000, reference="B-1")

    assert (shop.held(customer_id)["cash"], shop.owed) == (500, 1000)
    [event] = shop.events("payment.completed")
    assert (event["payment_id"], event["terminal_id"]) == (str(posted.transfer_id), str(shop.till.terminal_id))


def test_everything_that_a_customer_has_pays_one_basket_in_one_transfer(shop: Shop) -> None:
    customer_id = shop.customer(cash=500, promotional=300, points=250)
    card = shop.gift_card(customer_id, 200)

    posted = shop.take(customer_id, 1000)

    assert posted.details["parts"] == [
        {"kind": "promotional", "amount_minor": 300},
        {"kind": "gift_card", "amount_minor": 200, "voucher_id": str(card)},
        {"kind": "points", "amount_minor": 250, "points": 250},
        {"kind": "cash", "amount_minor": 250},
    ]
    assert shop.held(customer_id) == {"cash": 250, "promotional": 0, "points": 0, "gift_card": 0}
    assert shop.owed == 1000
    assert len(shop.rows("SELECT id FROM wallet.transfer WHERE kind = 'payment'")) == 1
    shop.check()


def test_all_of_it_can_be_paid_and_not_one_cent_more(shop: Shop) -> None:
    customer_id = shop.customer(cash=100, promotional=300, points=250)

    with pytest.raises(InsufficientFunds):
        shop.take(customer_id, 651)
    shop.take(customer_id, 650)

    assert shop.owed == 650


def test_refused_basket_can_be_taken_under_the_same_reference_once_there_is_enough(shop: Shop) -> None:
    customer_id = shop.customer()
    with pytest.raises(InsufficientFunds):
        shop.take(customer_id, 10, reference="B-1")
    other = shop.customer(cash=10)

    shop.take(other, 10, reference="B-1")

    assert shop.owed == 10


def test_same_payment_under_its_reference_is_the_one_that_stands(shop: Shop) -> None:
    customer_id = shop.customer(cash=1500)

    first, again = (shop.take(customer_id, 500, reference="B-1") for _ in range(2))

    assert (again.transfer_id, again.replayed) == (first.transfer_id, True)
    assert shop.owed == 500


@pytest.mark.parametrize("other", [{"amount": 501}, {"tip": 1}, {"order": ("cash",)}])
def test_another_payment_under_the_reference_is_refused(shop: Shop, other: dict[str, object]) -> None:
    customer_id = shop.customer(cash=1500)
    shop.take(customer_id, 500, reference="B-1")

    with pytest.raises(TillReferenceReused):
        shop.take(customer_id, **{"amount": 500, "reference": "B-1", **other})  # type: ignore[arg-type]
    with pytest.raises(TillReferenceReused):
        shop.take(shop.customer(cash=500), 500, reference="B-1")
    assert shop.owed == 500


def test_references_of_different_tills_are_different(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)

    shop.take(customer_id, 500, reference="B-1")
    shop.take(customer_id, 500, reference="B-1", till=replace(shop.till, terminal_id=ids.new()))

    assert shop.owed == 1000


def test_tip_is_part_of_what_moves_and_told_apart(shop: Shop) -> None:
    customer_id = shop.customer(cash=1100)

    posted = shop.take(customer_id, 1000, tip=100)

    assert (posted.details["amount_minor"], posted.details["tip_minor"]) == (1100, 100)
    assert shop.owed == 1100


def test_till_paid_by_the_customers_code_closes_the_basket_that_it_also_showed(shop: Shop) -> None:
    request = shop.ask(1000, reference="B-1")
    customer_id = shop.customer(cash=1000)

    posted = shop.take(customer_id, 1000, reference="B-1")

    assert shop.rows("SELECT state, payment_id FROM wallet.payment_request WHERE id = %s", request.id) == [
        ("paid", posted.transfer_id)
    ]


def test_till_cannot_take_something_else_than_it_asked(shop: Shop) -> None:
    shop.ask(1000, reference="B-1")
    customer_id = shop.customer(cash=2000)

    with pytest.raises(TillReferenceReused):
        shop.take(customer_id, 999, reference="B-1")
    with pytest.raises(TipNotAllowed):
        shop.take(customer_id, 1000, reference="B-1", tip=1)


def test_sixteen_takings_of_one_reference_are_one_payment(shop: Shop) -> None:
    customers = [shop.customer(cash=1000) for _ in range(4)]

    def taken(place: int) -> str:
        try:
            return str(shop.take(customers[place % 4], 1000, reference="B-1").transfer_id)
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(taken, range(16)))

    assert shop.owed == 1000
    assert len({outcome for outcome in outcomes if outcome != TillReferenceReused.code}) == 1
    assert outcomes.count(TillReferenceReused.code) == 12


def test_one_wallet_at_two_tills_pays_no_more_than_it_holds(shop: Shop) -> None:
    customer_id = shop.customer(cash=500, promotional=500, points=500)

    def taken(_: int) -> bool:
        try:
            shop.take(customer_id, 100)
        except InsufficientFunds:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(taken, range(20)))

    assert (sum(outcomes), shop.owed) == (15, 1500)
    assert set(shop.held(customer_id).values()) == {0}
    shop.check()


def test_expired_value_does_not_pay(shop: Shop) -> None:
    customer_id = shop.customer(cash=100)
    shop.give(accounts.promotional(customer_id, "USD"), 300, expires_at=NOW + timedelta(days=1))
    shop.gift_card(customer_id, 200, days=1)

    with pytest.raises(InsufficientFunds):
        shop.take(customer_id, 101, at=NOW + timedelta(days=1))
    posted = shop.take(customer_id, 600, at=NOW + timedelta(days=1) - timedelta(microseconds=1))

    assert [part["kind"] for part in posted.details["parts"]] == ["promotional", "gift_card", "cash"]


def test_cancelled_basket_is_not_taken(shop: Shop) -> None:
    shop.ask(1000, reference="B-1")
    with transaction() as session:
        requests.cancel_by_reference(session, shop.till, "B-1", now=NOW)

    with pytest.raises(PaymentRequestCancelled):
        shop.take(shop.customer(cash=1000), 1000, reference="B-1")


def test_value_that_others_take_meanwhile_is_read_again(shop: Shop) -> None:
    customer_id = shop.customer(cash=100)
    shop.gift_card(customer_id, 100)
    cash, payable = accounts.of_customer(customer_id, "USD"), accounts.of_merchant(shop.till.merchant_id, "USD")

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            accounts.open_all(session, [payable])
            connection = connection_of(session)
            connection.execute("SELECT FROM wallet.balance WHERE account_id = %s FOR UPDATE", [cash.id])
            # It reads the cash as it was, and waits for us where it posts.
            taken = pool.submit(shop.take, customer_id, 100, order=("cash", "gift_card"))
            until_somebody_waits()
            spent = transfer([cash.leg(-60), payable.leg(60)])
            ledger.post(connection, spent)
        parts = taken.result().details["parts"]

    assert [(part["kind"], part["amount_minor"]) for part in parts] == [("cash", 40), ("gift_card", 60)]
