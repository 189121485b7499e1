"""Customers with telephones and money, and short ways to let them send it to each other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from auth import customers
from core import ids
from core.db import connection_of, transaction
from core.events import readers
from tests.core.log import still_behind
from wallet import accounts, limits
from wallet.checks import first_difference
from wallet.ledger import post
from wallet.peers import claims, reactions, sendings
from wallet.peers.invitations import Brand
from wallet.peers.models import Sending
from wallet.peers.sendings import NewSending
from wallet.reactions import READERS as WALLET_READERS
from wallet.transfers import Transfer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ANNA, BEN, CLARA, NOBODYS = "+12125550142", "+12125550143", "+12125550144", "+12125550199"
BRAND = Brand("Corner", "https://corner.example")


@pytest.fixture
def ledgers(database: None) -> None:
    with transaction() as session:
        limits.ensure_defaults(session, now=NOW)
    readers.register([*WALLET_READERS, *reactions.READERS])


@pytest.fixture
def anna(ledgers: None) -> UUID:
    """A customer with $100.00."""
    return customer(ANNA, 10_000)


@pytest.fixture
def ben(ledgers: None) -> UUID:
    return customer(BEN)


@pytest.fixture
def clara(ledgers: None) -> UUID:
    return customer(CLARA)


def customer(phone: str, amount_minor: int = 0, *, now: datetime = NOW) -> UUID:
    with transaction() as session:
        found = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=now)
        if amount_minor:
            bring(session, found.id, amount_minor)
        return found.id


def bring(session: Any, customer_id: UUID, amount_minor: int, currency: str = "USD") -> None:
    cash, provider = accounts.of_customer(customer_id, currency), accounts.of_provider(currency)
    accounts.open_all(session, [cash, provider])
    named = {"id": ids.new(), "principal": "test", "key": str(ids.new()), "fingerprint": b"", "kind": "test"}
    legs = (provider.leg(-amount_minor), cash.leg(amount_minor))
    post(connection_of(session), Transfer(**named, legs=legs, effective_at=NOW))


def new(sender_id: UUID, phone: str | None, amount_minor: int = 1000, **more: Any) -> NewSending:
    named = {"principal": f"customer:{sender_id}", "key": str(ids.new()), "fingerprint": b"same", "currency": "USD"}
    return NewSending(**{**named, "brand": BRAND, **more}, sender_id=sender_id, phone=phone, amount_minor=amount_minor)


def send(sender_id: UUID, phone: str | None, amount_minor: int = 1000, *, now: datetime = NOW, **more: Any) -> Sending:
    with transaction() as session:
        return sendings.send(session, new(sender_id, phone, amount_minor, **more), now=now)


def do(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call a public function in a transaction of its own."""
    with transaction() as session:
        return work(session, *given, **named)


def sending_now(sending_id: UUID) -> Sending:
    with transaction() as session:
        found = session.get(Sending, sending_id)
        assert found is not None
        return found


def cash(customer_id: UUID, currency: str = "USD") -> tuple[int, int]:
    """What stands on a customer's cash, and what of it is held."""
    query = text("SELECT posted, held FROM wallet.balance WHERE account_id = :id")
    with transaction() as session:
        row = session.execute(query, {"id": accounts.of_customer(customer_id, currency).id}).first()
        return (row[0], row[1]) if row else (0, 0)


def set_limits(scope: str, measures: dict[str, int | None]) -> None:
    """What customers of the basic tier may do in dollars."""
    do(limits.set_rule, tier="basic", scope=scope, asset="USD", measures=measures, now=NOW)


def settle(*, now: datetime = NOW) -> None:
    """Let the readers read all there is and the due work be done."""
    for reader in [*WALLET_READERS, *reactions.READERS]:
        while readers.run_batch(reader, now=now) or still_behind(reader):
            pass
    while claims.give_due(now):
        pass


def announced(*names: str) -> list[tuple[str, UUID | None]]:
    """The events of these names in order, with whose they are."""
    query = text("SELECT name, customer_id FROM core.event WHERE name = ANY(:names) ORDER BY epoch, seq")
    with transaction() as session:
        return [(row[0], row[1]) for row in session.execute(query, {"names": list(names)})]


def check_books() -> None:
    """The ledger adds up."""
    with transaction() as session:
        assert first_difference(connection_of(session)) is None
