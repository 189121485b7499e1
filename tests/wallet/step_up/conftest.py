"""Customers with money and a passkey, whose apps ask to approve."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth import merchants
from auth.proofs import Owner
from core import clock
from core.db import statement, transaction
from tests.auth.authenticator import Authenticator
from tests.auth.passkeys.conftest import added
from tests.wallet.conftest import balance, open_cash, open_payable
from tests.wallet.doors import Door, customer_door, sign_up
from wallet import accounts, limits

LIMIT = 25_000  # of a payment, in USD: what the product ships with


@dataclass
class Payer:
    """A customer with $5,000, a passkey and an app."""

    door: Door
    device: Authenticator = field(default_factory=Authenticator)

    def pay(self, amount_minor: int, merchant_id: UUID, key: str = "", **more: Any) -> TestResponse:
        body = {"amount": usd(amount_minor), "merchant_id": str(merchant_id), **more}
        return self.door.ask("POST", "/payments", {name: each for name, each in body.items() if each}, key)

    def ask(self, purpose: str, amount_minor: int | None, payee: dict[str, Any], **more: Any) -> TestResponse:
        amount = None if amount_minor is None else usd(amount_minor)
        return self.door.ask("POST", "/approvals", {"purpose": purpose, "amount": amount, "payee": payee, **more})

    def prove(self, asked: TestResponse, **bent: Any) -> TestResponse:
        assert asked.json is not None
        credential = self.device.get(asked.json["passkey"], **bent)
        return self.door.ask("PUT", f"/approvals/{asked.json['id']}/proof", {"credential": credential})

    def approved(self, purpose: str, amount_minor: int | None, payee: dict[str, Any], **more: Any) -> str:
        asked = self.ask(purpose, amount_minor, payee, **more)
        assert asked.status_code == 201, asked.json
        assert self.prove(asked).status_code == 200
        assert asked.json is not None
        return str(asked.json["id"])

    def cash(self) -> int:
        with statement() as connection:
            return balance(connection, accounts.of_customer(self.door.id, "USD").id)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def payer(app: Flask, phone: str = "+12025550143", cash: int = 500_000) -> Payer:
    customer_id = sign_up(phone)
    with statement() as connection:
        open_cash(connection, cash, customer_id=customer_id)
    made = Payer(customer_door(app, customer_id))
    added(Owner(customer_id=customer_id), made.device, now=clock.now())
    return made


@pytest.fixture
def rules(app: Flask) -> None:
    with transaction() as session:
        limits.ensure_defaults(session, now=clock.now())


@pytest.fixture
def ada(app: Flask, rules: None) -> Payer:
    return payer(app)


@pytest.fixture
def shop(app: Flask) -> UUID:
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id
    with statement() as connection:
        open_payable(connection, merchant_id)
    return merchant_id


@pytest.fixture
def later() -> Iterator[Any]:
    """Moves the clock on, for the rest of the test."""
    moved = [timedelta(0)]
    began = clock.now()
    with clock.simulated(lambda: began + moved[0]):
        yield lambda seconds: moved.__setitem__(0, timedelta(seconds=seconds))


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.json or {}).get("code", "")


def status_of(payer: Payer, approval_id: str) -> str:
    answer = payer.door.ask("GET", f"/approvals/{approval_id}")
    assert answer.json is not None
    return str(answer.json["status"])
