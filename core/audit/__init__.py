"""The audit log: who did what, to what, from where, and what changed. Written in the same transaction as the deed, and
sealed by a hash chain, so that who edits or removes a row is found out.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, ids
from core.audit import origin
from core.audit.models import AuditEntry, AuditSeal
from core.audit.origin import Origin

__all__ = ["AuditEntry", "AuditSeal", "Origin", "record"]

ORIGIN_PLACE = "core.audit_entry.origin"


def record(session: Session, *, actor: str, action: str, target: str, change: dict[str, Any], now: datetime) -> None:
    """Keep one deed. `actor` is a principal ("staff:<id>", "operator"), `change` holds no personal data.

    effects  where a request is being answered, notes where it came from, sealed under the actor's data key
    """
    entry_id, came_from = ids.new(), origin.current()
    session.add(
        AuditEntry(
            id=entry_id,
            actor=actor,
            action=action,
            target=target,
            change=change,
            at=now,
            session_id=came_from.session_id if came_from else None,
            request_id=came_from.request_id if came_from else None,
            origin=_sealed(session, actor, entry_id, came_from) if came_from else None,
        )
    )


def owner_of(actor: str) -> UUID | None:
    """Whose data key seals where an actor was: a person's, staff or customer."""
    kind, _, name = actor.partition(":")
    try:
        return UUID(name) if kind in ("staff", "customer") else None
    except ValueError:
        return None


def _sealed(session: Session, actor: str, entry_id: UUID, came_from: Origin) -> bytes | None:
    owner_id = owner_of(actor)
    if owner_id is None:
        return None
    told = {"network": came_from.network, "client_id": came_from.client_id, "agent": came_from.agent}
    try:
        return crypto.seal(
            session, owner_id=owner_id, place=ORIGIN_PLACE, row_id=entry_id, text=json.dumps(told, ensure_ascii=False)
        )
    except crypto.Erased:
        return None
