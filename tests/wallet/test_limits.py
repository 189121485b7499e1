"""Limits: each names itself, what is left and when it renews; counted in the deed's own transaction."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Connection

from core import ids
from core.db import statement, transaction
from tests.wallet.conftest import NOW, balance, open_cash, open_payable, transfer
from wallet import accounts, ledger, limits, payments
from wallet.errors import LimitExceeded
from wallet.ledger import Limit
from wallet.payments import Payment

#: The brand's days begin at 05:00 UTC here (America/New_York in November).
MIDNIGHT = datetime(2026, 11, 22, 5, tzinfo=UTC)


@pytest.fixture
def customer_id(connection: Connection) -> UUID:
    customer_id = ids.new()
    open_cash(connection, 10_000, customer_id=customer_id)
    return customer_id


def rule(scope: str = "pay", *, tier: str = "basic", **measures: int | None) -> None:
    with transaction() as session:
        limits.set_rule(session, tier=tier, scope=scope, asset="USD", measures=measures, now=NOW)


def pay(connection: Connection, customer_id: UUID, amount: int, *, at: datetime = NOW, key: str | None = None) -> None:
    merchant_id = ids.new()
    open_payable(connection, merchant_id)
    payments.pay(
        connection,
        Payment(
            principal="test", key=key or str(ids.new()), fingerprint=b"", customer_id=customer_id,
            merchant_id=merchant_id, amount_minor=amount, currency="USD", at=at,
        ),
    )  # fmt: skip


def refused(connection: Connection, customer_id: UUID, amount: int, *, at: datetime = NOW) -> dict[str, object]:
    with pytest.raises(LimitExceeded) as refusal:
        pay(connection, customer_id, amount, at=at)
    return refusal.value.facts


def test_each_payment_has_a_limit(connection: Connection, customer_id: UUID) -> None:
    rule(per_transfer=500)

    pay(connection, customer_id, 500)
    facts = refused(connection, customer_id, 501)

    assert facts == {"limit": "per_transfer", "maximum": 500, "left": 500, "currency": "USD", "renews_at": None}
    assert balance(connection, accounts.of_customer(customer_id, "USD").id) == 9500


def test_day_ends_at_the_brands_midnight(connection: Connection, customer_id: UUID) -> None:
    rule(per_day=500)
    pay(connection, customer_id, 300, at=MIDNIGHT - timedelta(hours=2))

    facts = refused(connection, customer_id, 201, at=MIDNIGHT - timedelta(microseconds=1))
    pay(connection, customer_id, 200, at=MIDNIGHT - timedelta(microseconds=1))
    pay(connection, customer_id, 500, at=MIDNIGHT)

    assert facts == {
        "limit": "per_day", "maximum": 500, "left": 200, "currency": "USD", "renews_at": "2026-11-22T05:00:00Z",
    }  # fmt: skip


def test_month_counts_over_its_days(connection: Connection, customer_id: UUID) -> None:
    rule(per_month=500)
    pay(connection, customer_id, 300, at=datetime(2026, 11, 2, 12, tzinfo=UTC))

    facts = refused(connection, customer_id, 201)
    pay(connection, customer_id, 500, at=datetime(2026, 12, 1, 5, tzinfo=UTC))

    assert (facts["limit"], facts["left"], facts["renews_at"]) == ("per_month", 200, "2026-12-01T05:00:00Z")


def test_velocity_counts_deeds_an_hour(connection: Connection, customer_id: UUID) -> None:
    rule(count_per_hour=2)
    pay(connection, customer_id, 1)
    pay(connection, customer_id, 1)

    facts = refused(connection, customer_id, 1)
    pay(connection, customer_id, 1, at=NOW + timedelta(hours=1))

    assert (facts["limit"], facts["maximum"], facts["left"]) == ("count_per_hour", 2, 0)


def test_clock_that_jumps_back_renews_nothing(connection: Connection, customer_id: UUID) -> None:
    rule(per_day=500)
    pay(connection, customer_id, 500)

    refused(connection, customer_id, 1, at=NOW - timedelta(days=2))


def test_refused_payment_leaves_no_trace_but_the_refusal(connection: Connection, customer_id: UUID) -> None:
    rule(per_day=500)
    refused(connection, customer_id, 501)

    row = connection.execute("SELECT count(*) FROM wallet.usage WHERE customer_id = %s", [customer_id]).fetchone()
    assert row == (0,)
    pay(connection, customer_id, 500)


def test_higher_tier_has_its_own_limits(connection: Connection, customer_id: UUID) -> None:
    rule(per_transfer=100)
    rule(tier="verified", per_transfer=1000)
    refused(connection, customer_id, 1000)

    with transaction() as session:
        limits.set_tier(session, customer_id, "verified", now=NOW)

    pay(connection, customer_id, 1000)


def test_ceiling_bounds_what_stands_after_a_load(connection: Connection, customer_id: UUID) -> None:
    rule("load", ceiling=10_500)
    cash = accounts.of_customer(customer_id, "USD")

    def load(amount: int) -> None:
        counted = Limit(customer_id=customer_id, scope="load", asset="USD", amount=amount, account_id=cash.id)
        legs = [accounts.of_provider("USD").leg(-amount), cash.leg(amount)]
        ledger.post(connection, transfer(legs, limits=[counted]))

    load(500)
    with pytest.raises(LimitExceeded) as refusal:
        load(1)

    assert (refusal.value.facts["limit"], refusal.value.facts["left"]) == ("ceiling", 0)


def test_twenty_payments_at_once_pass_no_limit(connection: Connection, customer_id: UUID) -> None:
    rule(per_day=500)
    outcomes: list[str] = []

    def run() -> None:
        with statement() as own:
            try:
                pay(own, customer_id, 100)
                outcomes.append("paid")
            except LimitExceeded:
                outcomes.append("refused")

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["paid"] * 5 + ["refused"] * 15


def test_customer_sees_what_is_left(connection: Connection, customer_id: UUID) -> None:
    rule(per_day=500, count_per_hour=9)
    pay(connection, customer_id, 120)

    with transaction() as session:
        found = {
            left.measure: (left.left, left.renews_at) for left in limits.of_customer(session, customer_id, now=NOW)
        }

    assert found["per_day"] == (380, MIDNIGHT)
    assert found["count_per_hour"] == (8, datetime(2026, 11, 21, 13, tzinfo=UTC))
