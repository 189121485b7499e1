"""Lots: the soonest to lapse is spent first; refunds find the way back; what lapses goes to breakage."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Connection

from core import ids
from core.db import connection_of, transaction
from tests.wallet.conftest import NOW, balance, open_payable, transfer
from wallet import accounts, checks, ledger, lots, payments, refunds
from wallet.accounts import Opening
from wallet.errors import InsufficientFunds, PostingRefused
from wallet.ledger import Leg
from wallet.lots import lapsing
from wallet.payments import Payment

DAY = timedelta(days=1)


@pytest.fixture
def account(connection: Connection) -> Iterator[Opening]:
    opening = accounts.promotional(ids.new(), "USD")
    accounts.open_all(connection, [opening, accounts.of_marketing("USD"), accounts.of_brand("breakage", "USD")])
    yield opening
    assert checks.first_difference(connection) is None


def give(connection: Connection, account: Opening, amount: int, expires_at: datetime | None) -> UUID:
    leg, move = lots.give(account, amount, source="promotion", expires_at=expires_at)
    ledger.post(connection, transfer([accounts.of_marketing("USD").leg(-amount), leg], lots=[move]))
    return move.lot_id


def remaining(connection: Connection, lot_id: UUID) -> int:
    row = connection.execute("SELECT remaining FROM wallet.lot WHERE id = %s", [lot_id]).fetchone()
    assert row
    return int(row[0])


def pay(connection: Connection, account: Opening, amount: int, *, at: datetime = NOW) -> Payment:
    customer_id, merchant_id = UUID(account.owner.removeprefix("customer:")), ids.new()
    open_payable(connection, merchant_id)
    with transaction() as session:
        payment = Payment(
            principal="test", key=str(ids.new()), fingerprint=b"", customer_id=customer_id, merchant_id=merchant_id,
            amount_minor=amount, currency="USD", at=at, sources=[account.leg(-amount)],
            lots=lots.take(connection_of(session), account.id, amount, at=at),
        )  # fmt: skip
        ledger.post(connection_of(session), payments.transfer_of(payment))
    return payment


def refund(payment: Payment, amount: int | None, *, at: datetime = NOW) -> None:
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=payment.id,
            merchant_id=payment.merchant_id, amount_minor=amount, at=at,
        )  # fmt: skip


def test_soonest_to_lapse_is_spent_first_and_what_never_lapses_last(connection: Connection, account: Opening) -> None:
    never, later, soon = (give(connection, account, 100, at) for at in (None, NOW + 9 * DAY, NOW + 3 * DAY))

    pay(connection, account, 150)

    assert [remaining(connection, lot) for lot in (soon, later, never)] == [0, 50, 100]


def test_lot_can_be_spent_until_the_instant_at_which_it_lapses(connection: Connection, account: Opening) -> None:
    give(connection, account, 100, NOW + DAY)

    pay(connection, account, 40, at=NOW + DAY - timedelta(microseconds=1))
    with pytest.raises(InsufficientFunds):
        pay(connection, account, 1, at=NOW + DAY)


def test_more_than_all_lots_hold_is_refused(connection: Connection, account: Opening) -> None:
    give(connection, account, 100, None)

    with pytest.raises(InsufficientFunds):
        pay(connection, account, 101)

    assert balance(connection, account.id) == 100


def test_value_with_lots_cannot_move_without_them(connection: Connection, account: Opening) -> None:
    give(connection, account, 100, None)

    with pytest.raises(Exception, match="ck_entry_lots"):
        ledger.post(connection, transfer([Leg(account.id, -1), Leg(accounts.of_marketing("USD").id, 1)]))


def test_refund_goes_back_to_the_lots_it_came_from(connection: Connection, account: Opening) -> None:
    soon, later = give(connection, account, 100, NOW + 3 * DAY), give(connection, account, 300, NOW + 9 * DAY)
    payment = pay(connection, account, 300)

    refund(payment, 150)
    assert (remaining(connection, soon), remaining(connection, later)) == (50, 200)
    refund(payment, None)
    assert (remaining(connection, soon), remaining(connection, later)) == (100, 300)


def test_refund_to_a_lapsed_lot_opens_one_of_thirty_days(connection: Connection, account: Opening) -> None:
    give(connection, account, 100, NOW + DAY)
    payment = pay(connection, account, 100)

    refund(payment, 60, at=NOW + 2 * DAY)

    row = connection.execute("SELECT remaining, expires_at, source FROM wallet.lot WHERE remaining > 0").fetchone()
    assert row == (60, NOW + 32 * DAY, "refund")
    with pytest.raises(PostingRefused):
        refund(payment, 41, at=NOW + 2 * DAY)


def test_lot_lapses_to_breakage_once(connection: Connection, account: Opening) -> None:
    lot = give(connection, account, 100, NOW + DAY)
    pay(connection, account, 30)

    assert lapsing.lapse_due(NOW + DAY - timedelta(microseconds=1)) == 0
    assert [lapsing.lapse_due(NOW + DAY), lapsing.lapse_due(NOW + DAY)] == [1, 0]

    assert remaining(connection, lot) == 0
    assert balance(connection, account.id) == 0
    assert balance(connection, accounts.of_brand("breakage", "USD").id) == 70


def test_owner_is_warned_once_a_week_before(connection: Connection, account: Opening) -> None:
    give(connection, account, 100, NOW + 8 * DAY)

    assert [lapsing.warn_due(NOW), lapsing.warn_due(NOW + DAY), lapsing.warn_due(NOW + DAY)] == [0, 1, 0]

    told = connection.execute(
        "SELECT payload ->> 'amount_minor' FROM core.event WHERE name = 'lot.expiring'"
    ).fetchall()
    assert told == [("100",)]
