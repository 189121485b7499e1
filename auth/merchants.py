"""Merchants, their stores, and the terminals in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy import Uuid, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auth.errors import PublicKeyInvalid, TimeZoneUnknown
from auth.events import MerchantAdded, StoreAdded, TerminalAdded
from auth.models import ACTIVE, Merchant, Store, Terminal
from core import ids
from core.errors import NotFound
from core.events import announce
from core.web.principals import Principal

_TIME_ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """A terminal with where it stands."""

    terminal_id: UUID
    store_id: UUID
    merchant_id: UUID
    is_active: bool


def add_merchant(session: Session, *, name: str, now: datetime, is_sandbox: bool = False) -> Merchant:
    """A sandbox's merchant deals in nothing real, nor do the stores and terminals that are added to it (decision 0024).

    effects  announces merchant.added
    """
    merchant_id = ids.new_sandbox() if is_sandbox else ids.new()
    merchant = Merchant(id=merchant_id, name=name, status=ACTIVE, created_at=now)
    session.add(merchant)
    session.flush()

    announce(session, MerchantAdded(occurred_at=now, merchant_id=merchant.id))
    return merchant


def add_store(
    session: Session,
    *,
    merchant_id: UUID,
    name: str,
    now: datetime,
    reference: str | None = None,
    time_zone: str | None = None,
) -> Store:
    """`reference` is the merchant's own number for it; without a time zone the brand's holds.

    raises   NotFound for an unknown merchant; TimeZoneUnknown; StoreExists when the reference is taken
    effects  announces store.added
    """
    if session.get(Merchant, merchant_id) is None:
        raise NotFound("There is no such merchant")
    if time_zone is not None and time_zone not in _TIME_ZONES:
        raise TimeZoneUnknown

    store = Store(
        id=_id_within(merchant_id), merchant_id=merchant_id, name=name, reference=reference, time_zone=time_zone,
        status=ACTIVE, created_at=now,
    )  # fmt: skip
    session.add(store)
    session.flush()

    announce(session, StoreAdded(occurred_at=now, merchant_id=merchant_id, store_id=store.id))
    return store


def add_terminal(session: Session, *, store_id: UUID, name: str, public_key: str, now: datetime) -> Terminal:
    """Put a terminal into a store, with the public key (PEM) that it will prove itself by.

    raises   NotFound for an unknown store; PublicKeyInvalid; PublicKeyTaken
    effects  announces terminal.added
    """
    if session.get(Store, store_id) is None:
        raise NotFound("There is no such store")
    pem, fingerprint = _checked_key(public_key)

    terminal = Terminal(
        id=_id_within(store_id), store_id=store_id, name=name, public_key=pem, key_fingerprint=fingerprint,
        status=ACTIVE, created_at=now,
    )  # fmt: skip
    session.add(terminal)
    session.flush()

    announce(session, TerminalAdded(occurred_at=now, terminal_id=terminal.id, store_id=store_id))
    return terminal


def known(session: Session, merchant_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that are merchants'."""
    asked = literal(list(merchant_ids), ARRAY(Uuid))
    return set(session.scalars(select(Merchant.id).where(Merchant.id == any_(asked))))


def till_of(session: Session, terminal_id: UUID) -> Till:
    """Where a terminal stands; it is active while it, its store and its merchant all are.

    raises  NotFound
    """
    query = (
        select(Store.id, Store.merchant_id, Terminal.status, Store.status, Merchant.status)
        .join(Store, Store.id == Terminal.store_id)
        .join(Merchant, Merchant.id == Store.merchant_id)
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
        is_active=all(status == ACTIVE for status in statuses),
    )


def principal_of(till: Till) -> Principal:
    return Principal(kind="terminal", id=till.terminal_id, merchant_id=till.merchant_id, store_id=till.store_id)


def _id_within(owner_id: UUID) -> UUID:
    """An id of what belongs to a merchant or a store: of a sandbox's if they are."""
    return ids.new_sandbox() if ids.is_sandbox(owner_id) else ids.new()


def _checked_key(public_key: str) -> tuple[str, bytes]:
    """The key in one spelling, and SHA-256 of its DER.

    raises  PublicKeyInvalid, also for a private key: it was shown to us, so it is worth nothing any more
    """
    try:
        key = serialization.load_pem_public_key(public_key.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublicKeyInvalid from error
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_p256 and not isinstance(key, ed25519.Ed25519PublicKey):
        raise PublicKeyInvalid
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, form))
    return key.public_bytes(serialization.Encoding.PEM, form).decode(), digest.finalize()
