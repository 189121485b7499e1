"""Ceremonies: challenges that are answered once, within five minutes."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth.passkeys.models import PasskeyCeremony
from auth.proofs import Owner
from core import ids

REGISTER, WEB, STAFF = "register", "web", "staff"
LASTS = timedelta(minutes=5)


def begin(session: Session, *, purpose: str, owner: Owner | None = None, now: datetime) -> PasskeyCeremony:
    """A new challenge: for an owner's new passkey, or for whoever signs in."""
    ceremony = PasskeyCeremony(
        id=ids.new(),
        purpose=purpose,
        challenge=secrets.token_bytes(32),
        customer_id=owner.customer_id if owner else None,
        staff_id=owner.staff_id if owner else None,
        expires_at=now + LASTS,
    )
    session.add(ceremony)
    session.flush()
    return ceremony


def take(
    session: Session, ceremony_id: UUID, *, purpose: str, owner: Owner | None = None, now: datetime
) -> bytes | None:
    """The challenge of a ceremony, which is spent by it: right or wrong, an answer is given once. None where it is
    spent, too old, somebody else's or for something else."""
    spent = (
        update(PasskeyCeremony)
        .where(
            PasskeyCeremony.id == ceremony_id,
            PasskeyCeremony.purpose == purpose,
            PasskeyCeremony.customer_id.is_not_distinct_from(owner.customer_id if owner else None),
            PasskeyCeremony.staff_id.is_not_distinct_from(owner.staff_id if owner else None),
            PasskeyCeremony.used_at.is_(None),
            PasskeyCeremony.expires_at > now,
        )
        .values(used_at=now)
        .returning(PasskeyCeremony.challenge)
    )
    return session.scalar(spent)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop challenges that nobody can answer any more; how many."""
    over = select(PasskeyCeremony.id).where(PasskeyCeremony.expires_at <= now).limit(most)
    dropped = session.execute(delete(PasskeyCeremony).where(PasskeyCeremony.id.in_(over)).returning(PasskeyCeremony.id))
    return len(dropped.all())
