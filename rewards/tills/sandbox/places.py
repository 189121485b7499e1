"""Sandboxes themselves: made whole for an integrator, and found again by their merchant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth import customers, merchants
from core import audit
from core.db import connection_of
from core.money import SANDBOX
from rewards import audiences, campaigns
from rewards.tills.errors import SandboxesFull, SandboxOnly
from rewards.tills.models import Sandbox
from rewards.tills.sandbox import money, scenarios, vouchers
from rewards.tills.sandbox.money import CUSTOMERS, OTHER
from wallet import accounts

#: A deployment has so many and no more: each adds a dozen campaigns to what every process keeps.
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A sandbox to make. public_key: PEM, of the pair that the integrator's till made and keeps."""

    name: str
    public_key: str
    time_zone: str | None = None


def create(session: Session, wish: Wish, *, actor: str, now: datetime) -> Sandbox:
    """Make a merchant with a store, a terminal, customers with money and campaigns for every scenario.

    raises   SandboxesFull; PublicKeyInvalid; PublicKeyTaken; TimeZoneUnknown
    effects  an audit row; what `auth.merchants` and `campaigns.create_all` announce
    """
    connection_of(session).execute("LOCK TABLE rewards.sandbox IN SHARE ROW EXCLUSIVE MODE")
    if session.scalars(select(func.count()).select_from(Sandbox)).one() >= MOST:
        raise SandboxesFull(most=MOST)

    merchant = merchants.add_merchant(session, name=wish.name, now=now, is_sandbox=True)
    store, elsewhere = [
        merchants.add_store(session, merchant_id=merchant.id, name=name, time_zone=wish.time_zone, now=now)
        for name in ("Sandbox", "Elsewhere")
    ]
    terminal = merchants.add_terminal(session, store_id=store.id, name="Till 1", public_key=wish.public_key, now=now)
    own = merchants.add_terminal(
        session, store_id=elsewhere.id, name="The sandbox itself", public_key=_unused_key(), now=now
    )
    people = {name: customers.add_sandbox(session, now=now) for name in CUSTOMERS}
    made = scenarios.drafts(
        store_id=store.id,
        elsewhere_id=elsewhere.id,
        audience_id=audiences.create(session, [people[OTHER]], now=now),
        now=now,
    )
    ids = campaigns.create_all(session, [draft for _, draft in made], actor=actor, now=now)
    sandbox = Sandbox(
        merchant_id=merchant.id,
        store_id=store.id,
        terminal_id=terminal.id,
        own_terminal_id=own.id,
        customers={name: str(customer_id) for name, customer_id in people.items()},
        campaigns={name: str(campaign_id) for (name, _), campaign_id in zip(made, ids, strict=True)},
        created_by=actor,
        created_at=now,
    )
    session.add(sandbox)
    session.flush()
    accounts.open_all(session, [accounts.of_merchant(merchant.id, SANDBOX)])
    money.reset(session, sandbox, now=now)
    vouchers.use_limit_up(session, sandbox, elsewhere.id, now=now)
    audit.record(
        session,
        actor=actor,
        action="sandbox.create",
        target=f"merchant:{merchant.id}",
        change={"name": wish.name, "terminal_id": str(terminal.id)},
        now=now,
    )
    return sandbox


def of(session: Session, merchant_id: UUID) -> Sandbox:
    """raises  SandboxOnly for a merchant who is none"""
    found = session.get(Sandbox, merchant_id)
    if found is None:
        raise SandboxOnly
    return found


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[Sandbox]:
    """The latest first."""
    query = select(Sandbox).order_by(Sandbox.merchant_id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Sandbox.merchant_id < before)).all()


def _unused_key() -> str:
    """A public key whose private one nobody has, for the terminal at which the sandbox acts itself."""
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()
