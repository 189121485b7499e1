"""What tests of top-ups share: the application over Stripe's stand-in, and customers at its door."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from psycopg import Connection
from werkzeug.test import TestResponse

from core import clock, ids
from core.db import transaction
from core.settings import Settings
from tests.standins.stripe import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, Hook, Stripe
from tests.wallet.conftest import balance, open_payable, post
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from wallet import accounts


@pytest.fixture
def provider() -> Iterator[Stripe]:
    with Stripe() as standin:
        yield standin


@pytest.fixture
def shop(database: None, settings: Settings, provider: Stripe, connection: Connection) -> "Shop":
    # Loaded here, so that tests below the roof do not wait for every room.
    from app import wiring
    from auth import tokens
    from core.events import readers
    from tests import applications

    tokens.load_key(settings)
    readers.register(wiring.READERS)
    over_stripe = replace(
        settings,
        stripe_secret_key=SECRET_KEY,
        stripe_publishable_key=PUBLISHABLE_KEY,
        stripe_webhook_secrets=WEBHOOK_SECRET,
        stripe_api_url=provider.url,
    )
    return Shop(applications.over(over_stripe), provider, connection)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def merchant() -> UUID:
    from auth import merchants

    with transaction() as session:
        return merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id


@dataclass
class Shop:
    """The application over Stripe, with what tests do at it."""

    app: Flask
    provider: Stripe
    connection: Connection

    @property
    def gateway(self) -> Any:
        return self.app.extensions["gateways"].payments

    def customer(self, phone: str = "+12025550143") -> Door:
        return customer_door(self.app, sign_up(phone))

    def staff(self, *permissions: str) -> Door:
        return staff_door(self.app, *permissions)

    def hear(self, hook: Hook) -> TestResponse:
        """Stripe posts a webhook."""
        return self.app.test_client().post("/hooks/stripe", data=hook.body, headers=hook.headers)

    def top_up(self, door: Door, amount_minor: int = 2500, source: str = "pm_card_visa", key: str = "") -> TestResponse:
        return door.ask("POST", "/topups", {"amount": usd(amount_minor), "source": source}, key)

    def topped_up(self, door: Door, amount_minor: int = 2500) -> tuple[str, str]:
        """A top-up that is on the account: its id, and Stripe's name for it."""
        answer = self.top_up(door, amount_minor)
        assert (answer.status_code, answer.json["state"]) == (201, "succeeded"), answer.json  # type: ignore[index]
        return answer.json["id"], list(self.provider.intents)[-1]  # type: ignore[index]

    def spend(self, door: Door, amount_minor: int) -> None:
        payable = open_payable(self.connection, ids.new())
        post(self.connection, (accounts.of_customer(door.id, "USD").id, -amount_minor), (payable, amount_minor))

    def standing(self, door: Door) -> tuple[int, int]:
        """Cash and debt."""
        cash, debt = accounts.of_customer(door.id, "USD"), accounts.debt(door.id, "USD")
        accounts.open_all(self.connection, [cash, debt])
        return balance(self.connection, cash.id), balance(self.connection, debt.id)

    def held_by_provider(self) -> int:
        return -balance(self.connection, accounts.of_provider("USD").id)

    def topup(self, topup_id: str | UUID) -> dict[str, Any]:
        columns = (
            "state, decline_code, last_error, refunded_minor, told_refunded_minor, claw_due_at, provider_reference"
        )
        row = self.connection.execute(f"SELECT {columns} FROM wallet.topup WHERE id = %s", [topup_id]).fetchone()
        assert row
        return dict(zip(columns.split(", "), row, strict=True))
