"""What wallet tests share: accounts with something on them, and short ways to post."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from psycopg import Connection

from core import ids
from core.db import statement
from wallet import accounts, ledger
from wallet.accounts import Opening
from wallet.ledger import Leg, Posted, Transfer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def connection(database: None) -> Iterator[Connection]:
    with statement() as connection:
        yield connection


def transfer(legs: Sequence[Leg], *, key: str | None = None, fingerprint: bytes = b"same", **more: object) -> Transfer:
    return Transfer(
        id=ids.new(), principal="test", key=key or str(ids.new()), fingerprint=fingerprint, kind="test", legs=legs,
        effective_at=NOW, **more,
    )  # type: ignore[arg-type]  # fmt: skip


def post(connection: Connection, *legs: tuple[UUID, int], **more: object) -> Posted:
    return ledger.post(connection, transfer([Leg(account, amount) for account, amount in legs], **more))


def open_cash(connection: Connection, amount_minor: int = 0, *, customer_id: UUID | None = None) -> UUID:
    """A customer's cash account with something on it."""
    opening = accounts.of_customer(customer_id or ids.new(), "USD")
    accounts.open_all(connection, [opening, accounts.of_provider("USD")])
    if amount_minor:
        post(connection, (accounts.of_provider("USD").id, -amount_minor), (opening.id, amount_minor))
    return opening.id


def open_payable(connection: Connection, merchant_id: UUID | None = None) -> UUID:
    opening = accounts.of_merchant(merchant_id or ids.new(), "USD")
    accounts.open_all(connection, [opening])
    return opening.id


def open_account(connection: Connection, purpose: str, asset: str = "USD", floor: int | None = 0) -> UUID:
    opening = Opening(f"test:{ids.new()}", purpose, asset, floor)
    accounts.open_all(connection, [opening])
    return opening.id


def close_account(connection: Connection, account_id: UUID) -> None:
    """Let nothing more be posted to one account, whatever stands on it."""
    connection.execute("UPDATE wallet.account SET status = 'closed' WHERE id = %s", [account_id])


def balance(connection: Connection, account_id: UUID) -> int:
    row = connection.execute("SELECT sum(posted) FROM wallet.balance WHERE account_id = %s", [account_id]).fetchone()
    assert row
    return int(row[0])


def count(connection: Connection, what: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
    assert row
    return int(row[0])
