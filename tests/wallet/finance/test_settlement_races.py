"""Settlements that are closed while payments and refunds go on: no entry is left out, none is taken twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

from psycopg import Connection

from core import ids
from core.db import statement, transaction
from tests.wallet.finance.books import Books, add_merchant, cash
from tests.wallet.finance.test_settlements import set_terms, unaccounted
from wallet import accounts
from wallet.finance import settlement_lines, settlement_rows, settlements
from wallet.finance.errors import SettlementTwin

PAYERS, PAYMENTS = 6, 60


def test_payments_and_settlements_at_once_are_exact(connection: Connection) -> None:
    shops = [add_merchant(str(number)) for number in range(2)]
    for shop in shops:
        set_terms(shop, 100)
    Books(connection).move(accounts.of_brand("suspense", "USD"), accounts.of_brand("bank", "USD"), 1)
    done = threading.Event()

    with ThreadPoolExecutor(PAYERS + 2) as pool:
        settling = [pool.submit(settle_until, done) for _ in range(2)]
        paid = sum(future.result() for future in [pool.submit(pay_and_refund, seed, shops) for seed in range(PAYERS)])
        done.set()
        closed = sum(future.result() for future in settling)
    settle()

    row = connection.execute(
        "SELECT sum(gross_minor - refunds_minor), sum(fees_minor), sum(payout_minor), count(*) FROM wallet.settlement"
    ).fetchone()
    assert row
    books = Books(connection)
    balances = [books.balance(accounts.of_merchant(shop, "USD")) for shop in shops]
    assert unaccounted(connection) == []
    assert all(of_lines == net for of_lines, net in statements())
    assert row[0] == paid
    assert row[3] >= closed >= 2
    assert paid == row[1] + row[2] + sum(balances)
    assert books.balance(accounts.of_brand("fees", "USD")) == row[1]
    assert books.balance(accounts.of_brand("bank", "USD")) == row[2] + 1


def statements() -> list[tuple[int, int]]:
    """What each settlement's lines come to, beside its net."""
    with transaction() as session:
        found = settlement_rows.page(session, merchant_id=None, before=None, limit=10_000)
    return [
        (
            sum(line.amount - line.fee for line in settlement_lines.each(each)) + each.row.carried_in_minor,
            each.row.net_minor,
        )
        for each in found
    ]


def pay_and_refund(seed: int, shops: list[object]) -> int:
    """Pay both merchants in turn, give every third payment half back; what they kept."""
    random, kept, customer = Random(seed), 0, cash()
    with statement() as connection:
        books = Books(connection)
        books.topup(customer, 1_000_000, reference=str(ids.new()))
        for number in range(PAYMENTS):
            amount_minor, payable = random.randint(100, 999), accounts.of_merchant(shops[number % 2], "USD")  # type: ignore[arg-type]
            paid = books.move(customer, payable, amount_minor, at=datetime.now(UTC), kind="payment")
            kept += amount_minor
            if number % 3 == 0:
                books.transfer(
                    [(payable, -(amount_minor // 2)), (customer, amount_minor // 2)],
                    at=datetime.now(UTC), kind="refund", parent_id=paid.transfer_id,
                )  # fmt: skip
                kept -= amount_minor // 2
    return kept


def settle_until(done: threading.Event) -> int:
    closed = 0
    while not done.is_set():
        try:
            closed += settle()
        except SettlementTwin:
            continue
    return closed


def settle() -> int:
    now = datetime.now(UTC)
    with transaction() as session:
        return len(settlements.close(session, until=now, merchant_id=None, actor="staff:test", now=now).closed)
