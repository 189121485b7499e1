"""Write keys: made by staff, shown once, revoked while the house is open."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from connect.models import WriteKey
from connect.sources import index_of
from core import audit, ids
from core.errors import NotFound


def make(session: Session, *, source: str, trust: str, actor: str, now: datetime) -> tuple[WriteKey, str]:
    """(the row, the key itself, which is told only now). Every process knows it within a second."""
    key = secrets.token_urlsafe(24)
    row = WriteKey(
        id=ids.new(),
        source=source,
        key_index=index_of(key),
        trust=trust,
        status="active",
        created_by=actor,
        created_at=now,
    )
    session.add(row)
    session.flush()

    change = {"source": source, "trust": trust}
    audit.record(session, actor=actor, action="write_key.make", target=f"write_key:{row.id}", change=change, now=now)
    return row, key


def page(session: Session, *, after: UUID | None, limit: int) -> list[WriteKey]:
    """The keys that staff made, the latest first; those of the settings are not among them."""
    query = select(WriteKey).order_by(WriteKey.id.desc()).limit(limit)
    return list(session.scalars(query if after is None else query.where(WriteKey.id < after)))


def revoke(session: Session, key_id: UUID, *, actor: str, now: datetime) -> WriteKey:
    """Let a key in no more, for good: whoever holds it may have told it on. Revoked again it stays as it was.

    raises  NotFound
    """
    row = session.get(WriteKey, key_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.status == "active":
        row.status, row.revoked_at = "revoked", now
        session.flush()
        target = f"write_key:{row.id}"
        audit.record(session, actor=actor, action="write_key.revoke", target=target, change={}, now=now)
    return row
