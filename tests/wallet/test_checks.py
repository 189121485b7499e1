"""`flask wallet check`: derives everything again, and names what was altered behind the ledger's back."""

import pytest
from flask import Flask
from psycopg import Connection

from core import ids
from core.db import transaction
from core.gateways.sandbox_payments import SandboxPayments
from tests.wallet.conftest import NOW, open_cash, open_payable
from tests.wallet.topups.test_requests import request
from wallet import checks, payments, refunds, topups
from wallet.payments import Payment


@pytest.fixture
def busy(connection: Connection) -> Connection:
    """A ledger with a top-up, a payment and a refund."""
    customer_id, merchant_id = ids.new(), ids.new()
    open_cash(connection, 5000, customer_id=customer_id)
    open_payable(connection, merchant_id)
    topups.take(request(customer_id), gateway=SandboxPayments(), now=NOW)
    paid = payments.pay(
        connection,
        Payment(
            principal="test", key="pay", fingerprint=b"", customer_id=customer_id, merchant_id=merchant_id,
            amount_minor=900, currency="USD", at=NOW,
        ),
    )  # fmt: skip
    with transaction() as session:
        refunds.refund(
            session, principal="test", key="refund", fingerprint=b"", payment_id=paid.transfer_id,
            merchant_id=merchant_id, amount_minor=400, at=NOW,
        )  # fmt: skip
    return connection


def alter(connection: Connection, statement: str) -> str:
    """Write past the triggers, as a faulty restore or an operator with psql would; the ids that it touched."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        row = connection.execute(f"{statement}").fetchone()
    assert row
    return str(row[0])


LAST = "(SELECT id FROM wallet.transfer WHERE kind = 'payment')"


def test_untouched_ledger_is_balanced(busy: Connection) -> None:
    assert checks.first_difference(busy) is None
    assert checks.count(busy) == checks.Counted(accounts=3, transfers=4, entries=8)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            f"UPDATE wallet.entry SET amount = amount + 1 WHERE transfer_id = {LAST} AND amount < 0"
            " RETURNING account_id",
            "account",
        ),
        ("UPDATE wallet.balance SET posted = posted + 1 WHERE floor = 0 RETURNING account_id", "balance"),
        ("UPDATE wallet.balance SET version = version + 1 WHERE floor = 0 RETURNING account_id", "version"),
        (f"DELETE FROM wallet.entry WHERE transfer_id = {LAST} AND amount < 0 RETURNING account_id", "account"),
        (
            f"UPDATE wallet.transfer_part SET refunded = 399 WHERE transfer_id = {LAST} RETURNING transfer_id",
            "went back",
        ),
        (
            f"UPDATE wallet.transfer_part SET amount = 901 WHERE transfer_id = {LAST} RETURNING transfer_id",
            "part says 901",
        ),
        ("UPDATE wallet.topup SET state = 'in_doubt' RETURNING id", "in_doubt"),
        (
            "INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, details, effective_at)"
            " VALUES (core.uuidv7(), 'p', 'k', '', 'x', '{}', now()) RETURNING id",
            "no entries",
        ),
        (
            "INSERT INTO wallet.topup (id, principal, key, fingerprint, customer_id, amount_minor, currency, source,"
            " state, created_at) VALUES (core.uuidv7(), 'p', 'k', '', core.uuidv7(), 1, 'USD', '', 'succeeded', now())"
            " RETURNING id",
            "missing",
        ),
    ],
)
def test_each_alteration_is_named(busy: Connection, statement: str, words: str) -> None:
    culprit = alter(busy, statement)

    difference = checks.first_difference(busy)

    assert difference is not None
    assert words in difference
    assert culprit in difference


@pytest.mark.parametrize("question", checks.QUESTIONS)
def test_no_question_looks_through_a_table_for_each_row(connection: Connection, question: str) -> None:
    plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {question}"))

    assert "SubPlan" not in plan


def test_an_entry_out_of_balance_with_itself_is_found_by_its_transfer(busy: Connection) -> None:
    # Both the entry and its account's balance, so that only the transfer's sum tells.
    alter(
        busy,
        "WITH last AS (SELECT * FROM wallet.entry WHERE version = 3 AND amount = -900),"
        " e AS (UPDATE wallet.entry x SET amount = x.amount - 5, balance_after = x.balance_after - 5"
        "       FROM last WHERE x.account_id = last.account_id AND x.version = 3),"
        " f AS (UPDATE wallet.entry x SET balance_after = x.balance_after - 5"
        "       FROM last WHERE x.account_id = last.account_id AND x.version > 3)"
        " UPDATE wallet.balance b SET posted = b.posted - 5 FROM last WHERE b.account_id = last.account_id"
        " RETURNING b.account_id",
    )

    assert "sums to -5 USD, not to zero" in str(checks.first_difference(busy))


def test_command_says_balanced_or_ends_with_status_one(app: Flask, busy: Connection) -> None:
    runner = app.test_cli_runner()
    good = runner.invoke(args=["wallet", "check"])
    account_id = alter(busy, "UPDATE wallet.balance SET posted = posted + 1 WHERE floor = 0 RETURNING account_id")
    bad = runner.invoke(args=["wallet", "check"])

    assert (good.exit_code, good.output) == (0, "ledger balanced: 3 accounts, 4 transfers, 8 entries\n")
    assert bad.exit_code == 1
    assert account_id in bad.output
