"""Who the tests of finance move value between, and staff who do it over HTTP."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from auth import customers, merchants, tokens
from core import clock, ids
from core.db import connection_of, statement, transaction
from core.web.principals import Principal
from tests.wallet.conftest import NOW
from wallet import accounts, checks, ledger
from wallet.accounts import Opening
from wallet.ledger import Transfer

ADJUSTMENTS = ("adjustments.ask", "adjustments.read", "adjustments.decide", "approvals.read")
TRANSFERS = ("transfers.batch", "transfers.read", "transfers.approve")


class Person:
    """A member of staff with a token in their hand."""

    def __init__(self, app: Flask, *permissions: str) -> None:
        self.app, self.principal = app, Principal("staff", ids.new(), permissions=frozenset(permissions))
        ttl = timedelta(hours=1)
        token = tokens.mint(self.principal, audience=tokens.ADMIN, client_id="t", now=clock.now(), ttl=ttl)
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = self.headers | {"Idempotency-Key": key or str(ids.new())}
        return self.app.test_client().post("/admin/v1" + path, json=body, headers=headers)

    def put(self, path: str, body: Any = None) -> TestResponse:
        return self.app.test_client().put("/admin/v1" + path, json=body, headers=self.headers)

    def get(self, path: str) -> Any:
        return self.app.test_client().get("/admin/v1" + path, headers=self.headers).json


def add_customer(number: int = 0) -> UUID:
    with transaction() as session:
        phone = f"+1202555{number:04d}"
        return customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=NOW).id


def add_merchant() -> UUID:
    with transaction() as session:
        return merchants.add_merchant(session, name="Corner Shop", now=NOW).id


def give(opening: Opening, amount_minor: int) -> None:
    """Put money on an account, from the provider."""
    provider = accounts.of_provider(opening.asset)
    with statement() as connection:
        accounts.open_all(connection, [opening, provider])
        ledger.post(
            connection,
            Transfer(
                id=ids.new(), principal="test", key=str(ids.new()), fingerprint=b"f", kind="test",
                legs=[provider.leg(-amount_minor), opening.leg(amount_minor)], effective_at=NOW,
            ),
        )  # fmt: skip


def standing(opening: Opening) -> int:
    with statement() as connection:
        query = "SELECT coalesce(sum(posted), 0) FROM wallet.balance WHERE account_id = %s"
        row = connection.execute(query, [opening.id]).fetchone()
    assert row
    return int(row[0])


def do(deed: Callable[..., Any]) -> Any:
    """What a deed gives in a transaction of its own."""
    with transaction() as session:
        return deed(session)


def first_difference() -> str | None:
    with transaction() as session:
        return checks.first_difference(connection_of(session))


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}
