"""The audit of settlements: each alteration behind the ledger's back is named."""

from datetime import timedelta

import pytest
from psycopg import Connection

from tests.wallet.finance.books import NEXT_MORNING, NOON, Books, add_merchant
from tests.wallet.finance.test_settlements import CUT, EVENING, pay, refund, set_terms, settle
from wallet import checks
from wallet.finance.settlement_checks import QUESTIONS


def first_difference(connection: Connection) -> str | None:
    found = (connection.execute(question, checks.names()).fetchone() for question in QUESTIONS)
    return next((str(row[0]) for row in found if row is not None), None)


@pytest.fixture
def settled(connection: Connection) -> Connection:
    """A merchant with three settlements, of which the second carries what it lacks into the third."""
    books, shop = Books(connection), add_merchant()
    set_terms(shop, 100)
    paid = [pay(books, shop, 10_000, at=NOON) for _ in range(40)]
    settle(CUT, now=EVENING)
    refund(books, shop, paid[0], 4000, at=EVENING)
    settle(NEXT_MORNING)
    pay(books, shop, 9000, at=NEXT_MORNING)
    settle(NEXT_MORNING + timedelta(hours=1), now=NEXT_MORNING + timedelta(hours=1))
    return connection


def test_untouched_settlements_agree_with_the_ledger(settled: Connection) -> None:
    assert first_difference(settled) is None
    row = settled.execute("SELECT count(*) FROM wallet.settlement WHERE carried_in_minor < 0").fetchone()
    assert row == (1,)


@pytest.mark.parametrize(
    ("alteration", "words"),
    [
        ("UPDATE wallet.settlement SET gross_minor = gross_minor + 1, net_minor = net_minor + 1, payout_minor ="
         " greatest(net_minor + 1, 0) WHERE sequence = 1", "was earned"),
        ("UPDATE wallet.settlement SET fees_minor = fees_minor + 1, net_minor = net_minor - 1, payout_minor ="
         " payout_minor - 1 WHERE sequence = 1", "its transfer took"),
        ("UPDATE wallet.settlement SET carried_in_minor = -5, net_minor = net_minor - 5 WHERE sequence = 2",
         "begins with -5"),
        ("DELETE FROM wallet.settlement_cut WHERE shard = (SELECT min(shard) FROM wallet.settlement_cut)",
         "was earned"),
        ("DELETE FROM wallet.settlement_cut c USING wallet.settlement s"
         " WHERE s.id = c.settlement_id AND s.sequence = 2", "was earned"),
        ("UPDATE wallet.transfer SET kind = 'test' WHERE kind = 'settlement'", ""),
    ],
)  # fmt: skip
def test_each_alteration_is_named(settled: Connection, alteration: str, words: str) -> None:
    with settled.transaction():
        settled.execute("SET LOCAL session_replication_role = replica")
        assert settled.execute(alteration).rowcount

    difference = first_difference(settled)

    assert difference is not None
    assert words in difference


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_looks_through_a_table_for_each_row(connection: Connection, question: str) -> None:
    plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {question}", checks.names()))

    assert "SubPlan" not in plan
