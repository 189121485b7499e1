"""Terminals: the tills of the stores, each known by its key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auth.events import TerminalAdded
from auth.models import ACTIVE, Merchant, Organisation, Store, Terminal
from auth.places import keys
from auth.places.merchants import id_within
from core.errors import NotFound
from core.events import announce
from core.web.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A terminal with where it stands."""

    terminal_id: UUID
    store_id: UUID
    merchant_id: UUID
    is_active: bool


def add_terminal(
    session: Session, *, store_id: UUID, name: str, public_key: str, now: datetime, enrolled_by: str | None = None
) -> Terminal:
    """Put a terminal into a store, with the public key (PEM) that it will prove itself by.

    enrolled_by  who let a till in that showed its code
    raises   NotFound for an unknown store; PublicKeyInvalid; PublicKeyTaken
    effects  announces terminal.added
    """
    if session.get(Store, store_id) is None:
        raise NotFound("There is no such store")
    pem, fingerprint = keys.checked(public_key)

    terminal = Terminal(
        id=id_within(store_id), store_id=store_id, name=name, public_key=pem, key_fingerprint=fingerprint,
        status=ACTIVE, enrolled_by=enrolled_by, created_at=now,
    )  # fmt: skip
    session.add(terminal)
    session.flush()

    announce(session, TerminalAdded(occurred_at=now, terminal_id=terminal.id, store_id=store_id))
    return terminal


def note_seen(session: Session, terminal_id: UUID, *, now: datetime) -> None:
    """Note the day on which a terminal asked for a token, once a day."""
    is_new = Terminal.seen_on.is_distinct_from(now.date())
    query = update(Terminal).where(Terminal.id == terminal_id, is_new).values(seen_on=now.date())
    session.execute(query.execution_options(synchronize_session=False))


def till_of(session: Session, terminal_id: UUID) -> Till:
    """Where a terminal stands; it is active while it, its store, its merchant and that one's organisation all are.

    raises  NotFound
    """
    query = (
        select(Store.id, Store.merchant_id, Terminal.status, Store.status, Merchant.status, Organisation.status)
        .join(Store, Store.id == Terminal.store_id)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .outerjoin(Organisation, Organisation.id == Merchant.organisation_id)
        .where(Terminal.id == terminal_id)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("There is no such terminal")
    store_id, merchant_id, *statuses = row
    return Till(
        terminal_id=terminal_id,
        store_id=store_id,
        merchant_id=merchant_id,
        is_active=all(status in (ACTIVE, None) for status in statuses),
    )


def principal_of(till: Till) -> Principal:
    return Principal(kind="terminal", id=till.terminal_id, merchant_id=till.merchant_id, store_id=till.store_id)
