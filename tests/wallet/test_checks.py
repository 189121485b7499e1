"""`flask wallet check`: derives everything again, and names what was altered behind the ledger's back."""

from datetime import timedelta

import pytest
from flask import Flask
from psycopg import Connection

from core import crypto, ids
from core.db import connection_of, transaction
from core.gateways.sandbox_payments import SandboxPayments
from tests.wallet.conftest import NOW, open_cash, open_payable
from tests.wallet.topups.test_requests import request
from wallet import accounts, checks, holds, ledger, lots, payments, refunds, topups
from wallet.holds import Capturing, Placing
from wallet.ledger import Limit, Transfer
from wallet.payments import Payment
from wallet.peers import giving, sendings
from wallet.peers.invitations import Brand
from wallet.peers.models import Sending
from wallet.peers.sendings import NewSending


@pytest.fixture
def busy(connection: Connection) -> Connection:
    """A ledger with one of each: a top-up, a payment out of a lot and cash with a refund, a till's hold that is partly
    captured, a sending that was claimed and one that waits."""
    customer_id, merchant_id = ids.new(), ids.new()
    with transaction() as session:
        crypto.create_data_keys(session, [customer_id])
    open_cash(connection, 5000, customer_id=customer_id)
    open_payable(connection, merchant_id)
    topups.take(request(customer_id), gateway=SandboxPayments(), now=NOW)

    promotional, loyalty = accounts.promotional(customer_id, "USD"), accounts.of_brand("loyalty", "USD")
    cash = accounts.of_customer(customer_id, "USD")
    accounts.open_all(connection, [promotional, loyalty])
    leg, move = lots.give(promotional, 300, source="promotion", expires_at=NOW + timedelta(days=30))
    named = {"principal": "test", "fingerprint": b"", "effective_at": NOW}
    ledger.post(
        connection,
        Transfer(id=ids.new(), key="gift", kind="promotion", legs=(loyalty.leg(-300), leg), lots=(move,), **named),  # type: ignore[arg-type]
    )
    with transaction() as session:
        paid = ledger.post(
            connection_of(session),
            payments.transfer_of(
                Payment(
                    principal="test", key="pay", fingerprint=b"", customer_id=customer_id, merchant_id=merchant_id,
                    amount_minor=900, currency="USD", sources=(promotional.leg(-200), cash.leg(-700)),
                    lots=lots.take(connection_of(session), promotional.id, 200, at=NOW), at=NOW,
                )
            ),
        )  # fmt: skip
    with transaction() as session:
        refunds.refund(
            session, principal="test", key="refund", fingerprint=b"", payment_id=paid.transfer_id,
            merchant_id=merchant_id, amount_minor=450, at=NOW,
        )  # fmt: skip

    with transaction() as session:
        held = holds.place(
            session,
            Placing(
                principal="test", key="hold", fingerprint=b"", kind="payment", customer_id=customer_id,
                merchant_id=merchant_id, sources=[(promotional, 100), (cash, 500)], currency="USD",
                expires_at=NOW + timedelta(hours=1), at=NOW, details={"terminal_id": str(ids.new())},
                limits=[Limit(customer_id=customer_id, scope="pay", asset="USD", amount=500)],
            ),
        )  # fmt: skip
    with transaction() as session:
        capturing = Capturing(
            principal="test", key="capture", fingerprint=b"", kind="payment", amount=150,
            to=accounts.of_merchant(merchant_id, "USD"), at=NOW, details={"merchant_id": str(merchant_id)},
        )  # fmt: skip
        holds.capture(session, held.transfer_id, capturing)

    for key, amount in (("claimed", 40), ("waits", 60)):
        sending = NewSending(
            principal="test", key=key, fingerprint=b"", sender_id=customer_id, phone=None, amount_minor=amount,
            currency="USD", brand=Brand("Corner", "https://corner.example"),
        )  # fmt: skip
        with transaction() as session:
            sendings.send(session, sending, now=NOW)
        if key == "claimed":
            with transaction() as session:
                giving.claim(session, session.get_one(Sending, sending.id), ids.new(), now=NOW)
    return connection


def alter(connection: Connection, statement: str) -> str:
    """Write past the triggers, as a faulty restore or an operator with psql would; the one id whose rows it touched."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        rows = connection.execute(statement).fetchall()
    (altered,) = {row[0] for row in rows}
    return str(altered)


def transfer(key: str) -> str:
    return f"(SELECT id FROM wallet.transfer WHERE principal = 'test' AND key = '{key}')"


PAID, HOLD = transfer("pay"), transfer("hold")
CUSTOMER = f"(SELECT (details ->> 'customer_id') FROM wallet.transfer WHERE id = {PAID})"
CASH = f"(SELECT id FROM wallet.account WHERE purpose = 'cash' AND owner = 'customer:' || {CUSTOMER})"


def test_untouched_ledger_is_balanced(busy: Connection) -> None:
    assert checks.first_difference(busy) is None
    assert checks.count(busy) == checks.Counted(accounts=6, transfers=10, entries=17)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            f"UPDATE wallet.entry SET amount = amount + 1 WHERE transfer_id = {PAID} AND account_id = {CASH}"
            " RETURNING account_id",
            "account",
        ),
        (f"UPDATE wallet.balance SET posted = posted + 1 WHERE account_id = {CASH} RETURNING account_id", "balance"),
        (f"UPDATE wallet.balance SET version = version + 1 WHERE account_id = {CASH} RETURNING account_id", "version"),
        (f"UPDATE wallet.balance SET status = 'frozen' WHERE account_id = {CASH} RETURNING account_id", "frozen"),
        (f"UPDATE wallet.balance SET floor = -500 WHERE account_id = {CASH} RETURNING account_id", "floor -500"),
        (f"UPDATE wallet.balance SET held = held - 50 WHERE account_id = {CASH} RETURNING account_id", "held"),
        (
            "DELETE FROM wallet.balance WHERE (account_id, shard) = (SELECT account_id, shard FROM wallet.balance"
            " JOIN wallet.account ON id = account_id WHERE shards = 16 AND version = 0 LIMIT 1) RETURNING account_id",
            "15 balances",
        ),
        (f"DELETE FROM wallet.balance WHERE account_id = {CASH} RETURNING account_id", "version"),
        (
            f"DELETE FROM wallet.entry WHERE transfer_id = {PAID} AND account_id = {CASH} RETURNING account_id",
            "account",
        ),
        (
            f"UPDATE wallet.transfer SET state = 'declined', refusal = '{{}}' WHERE id = {PAID} RETURNING id",
            "belongs to no posted transfer",
        ),
        (f"UPDATE wallet.transfer SET refusal = '{{}}' WHERE id = {PAID} RETURNING id", "posted, with a refusal"),
        (f"DELETE FROM wallet.transfer WHERE id = {transfer('refund')} RETURNING id", "belongs to no posted transfer"),
        (
            f"UPDATE wallet.transfer_part SET refunded = refunded - 1 WHERE transfer_id = {PAID} RETURNING transfer_id",
            "went back",
        ),
        (
            f"UPDATE wallet.transfer_part SET amount = amount + 1 WHERE transfer_id = {PAID} RETURNING transfer_id",
            "part says",
        ),
        (f"DELETE FROM wallet.transfer_part WHERE transfer_id = {PAID} RETURNING transfer_id", "part says 0"),
        (
            "INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, details, effective_at)"
            " VALUES (core.uuidv7(), 'p', 'k', '', 'x', '{}', now()) RETURNING id",
            "no entries",
        ),
        ("UPDATE wallet.lot SET remaining = remaining - 1 RETURNING id", "left, its moves give"),
        ("UPDATE wallet.lot SET amount = amount + 50 RETURNING id", "lot"),
        ("DELETE FROM wallet.lot RETURNING id", "left, its moves give"),
        (
            "UPDATE wallet.lot_move m SET amount = m.amount - 1 WHERE m.amount < 0 AND transfer_id = "
            f"{PAID} RETURNING lot_id",
            "its moves give",
        ),
        (
            f"UPDATE wallet.lot_move SET refunded = refunded - 1 WHERE transfer_id = {PAID} RETURNING transfer_id",
            "its lots say",
        ),
        (
            "WITH m AS (UPDATE wallet.lot_move SET amount = amount - 1 WHERE transfer_id ="
            f" {transfer('refund')} RETURNING transfer_id)"
            " UPDATE wallet.lot SET remaining = remaining - 1 FROM m RETURNING m.transfer_id",
            "and its lots by",
        ),
        ("UPDATE wallet.lot SET held = held + 1 RETURNING id", "its holds promise"),
        (f"UPDATE wallet.hold SET captured = captured + 1 WHERE id = {HOLD} RETURNING id", "its parts give"),
        (f"UPDATE wallet.hold SET amount = amount + 1 WHERE id = {HOLD} RETURNING id", "its parts give"),
        (
            f"UPDATE wallet.hold SET ended_by = 'voided', ended_at = now() WHERE id = {HOLD} RETURNING id",
            "(voided)",
        ),
        (
            f"UPDATE wallet.hold_part SET released = released + 1 WHERE hold_id = {HOLD} AND lot_id IS NULL"
            " RETURNING hold_id",
            "its moves give",
        ),
        (f"DELETE FROM wallet.hold_part WHERE hold_id = {HOLD} RETURNING hold_id", "its moves give"),
        (
            f"UPDATE wallet.hold_move SET captured = captured - 1 WHERE transfer_id = {transfer('capture')}"
            " AND held = -50 RETURNING hold_id",
            "its moves give",
        ),
        (
            f"UPDATE wallet.transfer SET hold_id = core.uuidv7() WHERE id = {transfer('capture')} RETURNING id",
            "is not posted for it",
        ),
        (f"UPDATE wallet.transfer SET kind = 'test' WHERE id = {HOLD} RETURNING id", "no entries"),
        ("UPDATE wallet.topup SET state = 'in_doubt' RETURNING id", "in_doubt"),
        ("UPDATE wallet.topup SET amount_minor = amount_minor + 1 RETURNING id", "top-up"),
        ("UPDATE wallet.topup SET refunded_minor = 1 RETURNING id", "says that 1 went back"),
        (
            "INSERT INTO wallet.topup (id, principal, key, fingerprint, customer_id, amount_minor, currency, source,"
            " state, created_at) VALUES (core.uuidv7(), 'p', 'k', '', core.uuidv7(), 1, 'USD', '', 'succeeded', now())"
            " RETURNING id",
            "missing",
        ),
        ("UPDATE wallet.sending SET amount_minor = 39 WHERE state = 'completed' RETURNING id", "sending"),
        ("UPDATE wallet.sending SET transfer_id = hold_id WHERE state = 'completed' RETURNING id", "sending"),
        ("UPDATE wallet.usage SET day_amount = 0 WHERE scope = 'pay' RETURNING customer_id", '"pay"'),
        ("UPDATE wallet.usage SET month_amount = 99 WHERE scope = 'send' RETURNING customer_id", '"send"'),
        ("UPDATE wallet.usage SET hour_count = 3 WHERE scope = 'pay' RETURNING customer_id", '"pay"'),
        ("UPDATE wallet.usage SET day = day - 1 WHERE scope = 'send' RETURNING customer_id", '"send"'),
        (
            f"DELETE FROM wallet.usage WHERE scope = 'load' AND customer_id::text = {CUSTOMER} RETURNING customer_id",
            '"load"',
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
    plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {question}", checks.names()))

    assert "SubPlan" not in plan


def test_an_entry_out_of_balance_with_itself_is_found_by_its_transfer(busy: Connection) -> None:
    # Both the entry and its account's balance, so that only the transfer's sum tells.
    alter(
        busy,
        "WITH last AS (SELECT * FROM wallet.entry WHERE version = 3 AND amount = -700),"
        " e AS (UPDATE wallet.entry x SET amount = x.amount - 5, balance_after = x.balance_after - 5"
        "       FROM last WHERE x.account_id = last.account_id AND x.version = 3),"
        " f AS (UPDATE wallet.entry x SET balance_after = x.balance_after - 5"
        "       FROM last WHERE x.account_id = last.account_id AND x.version > 3)"
        " UPDATE wallet.balance b SET posted = b.posted - 5 FROM last WHERE b.account_id = last.account_id"
        " RETURNING b.account_id",
    )

    assert "sums to -5 USD, not to zero" in str(checks.first_difference(busy))


@pytest.mark.parametrize("behind", [timedelta(hours=1), timedelta(days=1), timedelta(days=40)])
def test_counters_of_a_clock_that_ran_behind_are_no_difference(busy: Connection, behind: timedelta) -> None:
    merchant_id = ids.new()
    open_payable(busy, merchant_id)
    row = busy.execute(f"SELECT {CUSTOMER}").fetchone()
    assert row
    for key, at in (("late", NOW - behind), ("later", NOW), ("ahead", NOW + behind), ("back", NOW)):
        payments.pay(
            busy,
            Payment(
                principal="test", key=key, fingerprint=b"", customer_id=row[0], merchant_id=merchant_id,
                amount_minor=7, currency="USD", at=at,
            ),
        )  # fmt: skip

        assert checks.first_difference(busy) is None


def test_command_says_balanced_or_ends_with_status_one(app: Flask, busy: Connection) -> None:
    runner = app.test_cli_runner()
    good = runner.invoke(args=["wallet", "check"])
    altering = f"UPDATE wallet.balance SET posted = posted + 1 WHERE account_id = {CASH} RETURNING account_id"
    account_id = alter(busy, altering)
    bad = runner.invoke(args=["wallet", "check"])

    assert (good.exit_code, good.output) == (0, "ledger balanced: 6 accounts, 10 transfers, 17 entries\n")
    assert bad.exit_code == 1
    assert account_id in bad.output
