"""Refunds of payments whose source was closed since: what can go back does, and the rest is never lost."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from psycopg import Connection

from core import ids
from core.db import transaction
from tests.wallet.conftest import NOW, balance, count, open_cash, post
from tests.wallet.test_refunds import Paid, refund, standing
from wallet import accounts, checks, payments
from wallet import standing as standings
from wallet.errors import AccountNotEmpty, RefundExceedsPayment
from wallet.identity import closures
from wallet.ledger import Posted


@pytest.fixture
def paid(connection: Connection) -> Paid:
    return Paid(connection)


def suspense(connection: Connection) -> int:
    accounts.open_all(connection, [accounts.of_brand("suspense", "USD")])
    return balance(connection, accounts.of_brand("suspense", "USD").id)


def test_what_a_closed_source_gave_goes_to_suspense_and_the_rest_to_its_source(
    connection: Connection, paid: Paid
) -> None:
    close_wallet(connection, paid)

    refund(paid, 500)
    first = standing(connection, paid), suspense(connection)
    refund(paid)

    assert first == ((200, 0, 500), 300)
    assert standing(connection, paid) == (400, 0, 0)
    assert suspense(connection) == 600
    assert payments.find(connection, paid.id, merchant_id=paid.merchant_id)["refunded"]["amount_minor"] == 1000
    kept = connection.execute("SELECT account_id, amount, is_lapsed FROM wallet.diverted_refund ORDER BY refund_id")
    assert kept.fetchall() == [(paid.cash, 300, False), (paid.cash, 300, False)]
    assert checks.first_difference(connection) is None


def test_closed_source_is_capped_as_an_open_one(connection: Connection, paid: Paid) -> None:
    refund(paid, 500)
    close_wallet(connection, paid)
    refund(paid, 499)

    with pytest.raises(RefundExceedsPayment) as refused:
        refund(paid, 2)
    refund(paid, 1)

    assert refused.value.facts == {"refundable_minor": 1}
    assert suspense(connection) == 300
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "SELECT wallet.divert(%s, %s, %s, now(), ARRAY[%s]::uuid[], ARRAY[%s]::uuid[], '{1}', '{f}')",
            [paid.id, ids.new(), paid.customer_id, paid.cash, accounts.of_brand("suspense", "USD").id],
        )
    assert checks.first_difference(connection) is None


def test_refund_to_a_frozen_source_goes_back_to_it(connection: Connection, paid: Paid) -> None:
    with transaction() as session:
        standings.freeze(session, f"customer:{paid.customer_id}")

    refund(paid)

    assert standing(connection, paid)[:2] == (400, 2000)
    assert count(connection, "wallet.diverted_refund") == 0


def test_refund_and_closing_at_once_lose_nothing(connection: Connection) -> None:
    outcomes = set()
    for _ in range(12):
        paid, start = Paid(connection), Barrier(2)
        before = suspense(connection)
        spend_all(connection, paid)

        def close(paid: Paid = paid, start: Barrier = start) -> bool:
            start.wait(5)
            try:
                with transaction() as session:
                    closures.close(
                        session,
                        paid.customer_id,
                        pay_out_to=None,
                        forfeits=True,
                        reason="own",
                        asked_by="test",
                        now=NOW,
                    )
            except AccountNotEmpty:
                return False
            return True

        def give_back(paid: Paid = paid, start: Barrier = start) -> Posted:
            start.wait(5)
            return refund(paid)

        with ThreadPoolExecutor(2) as pool:
            closed, refunded = pool.submit(close), pool.submit(give_back)
            is_closed, _ = closed.result(), refunded.result()

        diverted = suspense(connection) - before
        assert (balance(connection, paid.cash), diverted) == ((0, 600) if is_closed else (600, 0))
        assert balance(connection, paid.payable) == 0
        outcomes.add(is_closed)
    assert outcomes
    assert checks.first_difference(connection) is None


def test_sums_hold_whatever_is_refunded_before_and_after_the_closing(connection: Connection) -> None:
    chance = random.Random(7)
    for _ in range(6):
        paid, before = Paid(connection), suspense(connection)
        closing_at, given, spent = chance.randint(0, 4), 0, 0
        for place in range(4):
            if place == closing_at:
                spent = close_wallet(connection, paid)
            amount = chance.randint(1, 250)
            refund(paid, amount)
            given += amount
        back = balance(connection, paid.gift) + balance(connection, paid.cash) + spent
        assert back + suspense(connection) - before == 1400 + given
        assert balance(connection, paid.payable) == 1000 - given
    assert checks.first_difference(connection) is None


def spend_all(connection: Connection, paid: Paid) -> int:
    left = balance(connection, paid.cash)
    if left:
        post(connection, (paid.cash, -left), (open_cash(connection), left))
    return left


def close_wallet(connection: Connection, paid: Paid) -> int:
    """What was spent before it could be closed."""
    spent = spend_all(connection, paid)
    with transaction() as session:
        closures.close(
            session, paid.customer_id, pay_out_to=None, forfeits=True, reason="own", asked_by="test", now=NOW
        )
    return spent
