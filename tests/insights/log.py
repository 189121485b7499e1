"""Writing to the log, and letting the profiles' reader take it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from auth import customers
from connect import events as outside
from core import db, ids
from core.events import Event, announce_all, readers
from insights import profiles
from insights.profiles import Profile
from insights.reactions import READERS
from rewards.events import OrderCompleted
from wallet.events import PaymentRefunded

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def a_customer(phone: str = "+12125550142") -> UUID:
    with db.transaction() as session:
        return customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=at(-60)).id


def track(
    customer_id: UUID | None = None,
    *,
    event: str = "Tried",
    subject_id: str | None = None,
    minutes: int = 0,
    context: dict[str, Any] | None = None,
) -> Event:
    return outside.made(
        type_="track",
        content={"type": "track", "event": event, "properties": {}, "context": context or {}},
        customer_id=customer_id,
        subject_id=subject_id,
        occurred_at=at(minutes),
    )


def campaign(source: str, name: str = "autumn") -> dict[str, Any]:
    return {"campaign": {"source": source, "medium": "email", "name": name}}


def identify(
    customer_id: UUID, *, subject_id: str | None = None, minutes: int = 0, traits: dict[str, Any] | None = None
) -> Event:
    return outside.made(
        type_="identify",
        content={"type": "identify", "traits": traits or {}, "context": {}},
        customer_id=customer_id,
        subject_id=subject_id,
        occurred_at=at(minutes),
    )


def order(customer_id: UUID, *, total_minor: int = 1_000, currency: str = "USD", minutes: int = 0) -> Event:
    return OrderCompleted(
        customer_id=customer_id,
        occurred_at=at(minutes),
        order_id=ids.new(),
        checkout_id=ids.new(),
        merchant_id=ids.new(),
        store_id=ids.new(),
        total_minor=total_minor,
        discount_minor=0,
        gift_minor=0,
        paid_minor=total_minor,
        currency=currency,
        lines=(),
    )


def refund(customer_id: UUID, *, amount_minor: int, currency: str = "USD", minutes: int = 0) -> Event:
    return PaymentRefunded(
        customer_id=customer_id,
        occurred_at=at(minutes),
        refund_id=ids.new(),
        payment_id=ids.new(),
        merchant_id=ids.new(),
        amount_minor=amount_minor,
        currency=currency,
    )


def write(*events: Event) -> None:
    with db.transaction() as session:
        announce_all(session, events)


def read(*, now: datetime = NOON) -> None:
    """Let the readers come to the end of the log. Writers of any database in the cluster hold the horizon back."""
    readers.register(READERS)
    deadline = time.monotonic() + 30
    while _unread():
        assert time.monotonic() < deadline, "the horizon stays where it is"
        if not sum(readers.run_batch(reader, now=now) for reader in READERS):
            time.sleep(0.002)


def _unread() -> int:
    with db.transaction() as session:
        return sum(count for _, count in readers.lag(db.connection_of(session)))


def play(*events: Event) -> None:
    write(*events)
    read()


def profile(customer_id: UUID) -> Profile:
    with db.transaction() as session:
        return profiles.of(session, customer_id)


def sources(found: Sequence[Profile]) -> list[str | None]:
    return [item.first_touch.source if item.first_touch else None for item in found]
