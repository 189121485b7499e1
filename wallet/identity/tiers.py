"""Tiers: by how much a customer is known, which limits hold for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from core.events import announce
from wallet import limits
from wallet.identity.events import TierChanged
from wallet.limits.models import BASIC, VERIFIED


def verify(session: Session, customer_id: UUID, *, now: datetime) -> None:
    """Raise a customer of the basic tier to the verified one; who stands above it stays there.

    effects  announces tier.changed
    """
    if _lock(session, customer_id, now=now) == BASIC:
        _change(session, customer_id, BASIC, VERIFIED, cause="identity_check", now=now)


def set_(session: Session, customer_id: UUID, *, tier: str, reason: str, actor: str, now: datetime) -> None:
    """Move a customer to a tier, up or down, by a member of staff's word.

    effects  audited; announces tier.changed where it is another one
    """
    previous = _lock(session, customer_id, now=now)
    if previous == tier:
        return

    _change(session, customer_id, previous, tier, cause="staff", now=now)
    change = {"tier": tier, "previous_tier": previous, "reason": reason}
    audit.record(
        session, actor=actor, action="customer.tier_set", target=f"customer:{customer_id}", change=change, now=now
    )


def _lock(session: Session, customer_id: UUID, *, now: datetime) -> str:
    connection = connection_of(session)
    connection.execute(_ADD, [customer_id, BASIC, now])
    row = connection.execute(_LOCK, [customer_id]).fetchone()
    assert row is not None
    return str(row[0])


def _change(session: Session, customer_id: UUID, previous: str, tier: str, *, cause: str, now: datetime) -> None:
    limits.set_tier(session, customer_id, tier, now=now)
    announce(
        session, TierChanged(customer_id=customer_id, occurred_at=now, tier=tier, previous_tier=previous, cause=cause)
    )


_LOCK = "SELECT tier FROM wallet.holder WHERE customer_id = %s FOR UPDATE"
_ADD = "INSERT INTO wallet.holder (customer_id, tier, updated_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
