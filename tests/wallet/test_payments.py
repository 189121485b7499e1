"""Payments: one SQL call, frozen refusals, one answer a key."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from auth import merchants
from core import db, ids
from core.errors import InvalidInput, NotFound, Refusal
from core.idempotency import KeyReused
from core.money import MAX_AMOUNT_MINOR
from tests.wallet.conftest import NOW, balance, count, open_account, open_cash, open_payable, post
from wallet import accounts, ledger, payments, standing
from wallet.errors import AccountClosed, CurrencyUnknown, InsufficientFunds, MerchantUnknown
from wallet.ledger import Leg
from wallet.payments import Payment


def payment(customer_id: UUID, merchant_id: UUID, amount_minor: int = 250, **more: object) -> Payment:
    values = {
        "principal": f"customer:{customer_id}", "key": str(ids.new()), "fingerprint": b"same",
        "customer_id": customer_id, "merchant_id": merchant_id, "amount_minor": amount_minor, "currency": "USD",
        "at": NOW,
    }  # fmt: skip
    return Payment(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture
def customer_id(connection: Connection) -> UUID:
    """A customer with 10.00."""
    customer_id = ids.new()
    open_cash(connection, 1000, customer_id=customer_id)
    return customer_id


@pytest.fixture
def merchant_id(connection: Connection) -> UUID:
    merchant_id = ids.new()
    open_payable(connection, merchant_id)
    return merchant_id


def cash_of(customer_id: UUID) -> UUID:
    return accounts.of_customer(customer_id, "USD").id


def test_payment_moves_cash_to_what_the_merchant_is_owed(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    approval_id = ids.new()

    posted = payments.pay(connection, payment(customer_id, merchant_id, reference="till 4", approval_id=approval_id))

    assert balance(connection, cash_of(customer_id)) == 750
    assert balance(connection, accounts.of_merchant(merchant_id, "USD").id) == 250
    found = payments.find(connection, posted.transfer_id, merchant_id=merchant_id)
    assert found["amount"] == {"amount_minor": 250, "currency": "USD"}
    assert (found["reference"], found["approval_id"], found["paid_at"]) == ("till 4", str(approval_id), NOW)
    event = connection.execute(
        "SELECT customer_id, payload FROM core.event WHERE name = 'payment.completed'"
    ).fetchone()
    assert event is not None
    assert (event[0], event[1]["payment_id"]) == (customer_id, str(posted.transfer_id))


def test_payment_is_one_round_trip(connection: Connection, customer_id: UUID, merchant_id: UUID) -> None:
    asked: list[str] = []

    class Counting:
        """Tells what is asked of a connection, and of libpq's below it."""

        def __init__(self, of: object) -> None:
            self.of = of

        def __getattr__(self, name: str) -> Any:
            if name == "pgconn":
                return Counting(connection.pgconn)
            if callable(getattr(self.of, name)):
                asked.append(name)
            return getattr(self.of, name)

    payments.pay(connection, payment(customer_id, merchant_id))  # prepares the call
    payments.pay(Counting(connection), payment(customer_id, merchant_id))  # type: ignore[arg-type]

    assert asked == ["exec_prepared"]


def test_mixed_payment_takes_each_source(connection: Connection, customer_id: UUID, merchant_id: UUID) -> None:
    gift = open_account(connection, "gift")
    post(connection, (accounts.of_provider("USD").id, -100), (gift, 100))

    payments.pay(
        connection,
        payment(customer_id, merchant_id, 250, sources=(Leg(gift, -100), Leg(cash_of(customer_id), -150))),
    )

    assert (balance(connection, gift), balance(connection, cash_of(customer_id))) == (0, 850)


def test_all_of_the_cash_can_be_paid_and_not_one_cent_more(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    payments.pay(connection, payment(customer_id, merchant_id, 1000))

    with pytest.raises(InsufficientFunds):
        payments.pay(connection, payment(customer_id, merchant_id, 1))


def test_refused_payment_stays_refused_after_a_topup(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    too_much = payment(customer_id, merchant_id, 1001, key="k")
    with pytest.raises(InsufficientFunds):
        payments.pay(connection, too_much)
    post(connection, (accounts.of_provider("USD").id, -5000), (cash_of(customer_id), 5000))

    with pytest.raises(InsufficientFunds) as again:
        payments.pay(connection, payment(customer_id, merchant_id, 1001, key="k"))

    assert again.value.is_replayed
    assert balance(connection, cash_of(customer_id)) == 6000
    with pytest.raises(KeyReused):
        payments.pay(connection, payment(customer_id, merchant_id, 1001, key="k", fingerprint=b"other"))
    payments.pay(connection, payment(customer_id, merchant_id, 1001, key="another"))


@pytest.mark.parametrize("amount_minor", [0, -1, MAX_AMOUNT_MINOR + 1])
def test_amounts_outside_the_range_are_invalid(
    connection: Connection, customer_id: UUID, merchant_id: UUID, amount_minor: int
) -> None:
    with pytest.raises(InvalidInput):
        payments.pay(connection, payment(customer_id, merchant_id, amount_minor))


def test_largest_amount_is_refused_for_want_of_funds_only(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    with pytest.raises(InsufficientFunds):
        payments.pay(connection, payment(customer_id, merchant_id, MAX_AMOUNT_MINOR))


@pytest.mark.parametrize("currency", ["EUR", "XXX", "PTS"])
def test_currency_that_the_wallet_does_not_hold_is_refused(
    connection: Connection, customer_id: UUID, merchant_id: UUID, currency: str
) -> None:
    with pytest.raises(CurrencyUnknown):
        payments.pay(connection, payment(customer_id, merchant_id, currency=currency))


def test_unknown_merchant_is_refused_for_ever(connection: Connection, customer_id: UUID) -> None:
    for is_replayed in (False, True):
        with pytest.raises(MerchantUnknown) as refused:
            payments.pay(connection, payment(customer_id, UUID(int=7), key="k"))
        assert refused.value.is_replayed == is_replayed

    assert balance(connection, cash_of(customer_id)) == 1000


def test_first_payment_to_a_merchant_opens_its_account(connection: Connection, customer_id: UUID) -> None:
    with db.transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=NOW).id

    payments.pay(connection, payment(customer_id, merchant_id))

    assert balance(connection, accounts.of_merchant(merchant_id, "USD").id) == 250


def test_payment_is_nobody_elses(connection: Connection, customer_id: UUID, merchant_id: UUID) -> None:
    posted = payments.pay(connection, payment(customer_id, merchant_id))

    with pytest.raises(NotFound):
        payments.find(connection, posted.transfer_id, merchant_id=ids.new())


def test_twins_of_a_refused_payment_all_get_the_same_refusal(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    def refused(_: int) -> str:
        with db.statement() as own, pytest.raises(Refusal) as refusal:
            payments.pay(own, payment(customer_id, merchant_id, 1001, key="k"))
        return refusal.value.code

    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(refused, range(8)))

    assert codes == {"insufficient_funds"}
    assert count(connection, "wallet.transfer WHERE state = 'declined'") == 1


def test_many_payments_post_together(connection: Connection, customer_id: UUID, merchant_id: UUID) -> None:
    posted = ledger.post_all(
        connection, [payments.transfer_of(payment(customer_id, merchant_id, 5)) for _ in range(200)]
    )

    assert len({each.transfer_id for each in posted}) == 200
    assert balance(connection, cash_of(customer_id)) == 0
    assert count(connection, "core.event WHERE name = 'payment.completed'") == 200


def test_payment_out_of_a_closed_wallet_is_refused_as_that_and_for_ever(
    connection: Connection, customer_id: UUID, merchant_id: UUID
) -> None:
    post(connection, (cash_of(customer_id), -1000), (accounts.of_provider("USD").id, 1000))
    with db.transaction() as session:
        standing.close(session, f"customer:{customer_id}")
    asked = payment(customer_id, merchant_id)

    for _ in range(2):
        with pytest.raises(AccountClosed):
            payments.pay(connection, asked)
