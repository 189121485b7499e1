"""Reading the audit log, the latest first."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, crypto
from core.audit.models import AuditEntry
from core.db import transaction
from core.tables import lines, words
from core.tables import table as csv_table

#: Rows a transaction of an export.
_CHUNK = 500

HEADER = (
    "at",
    "actor",
    "action",
    "target",
    "change",
    "network",
    "client_id",
    "agent",
    "session_id",
    "request_id",
    "id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries; None asks for all. since, until: of `at`, the second not included"""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(session: Session, asked: Asked, *, before: UUID | None, limit: int) -> Sequence[dict[str, Any]]:
    """Entries as they are told, with where each came from, unless whoever did it has been erased."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    for column, wanted in (("actor", asked.actor), ("action", asked.action), ("target", asked.target)):
        if wanted is not None:
            query = query.where(getattr(AuditEntry, column) == wanted)
    if asked.since is not None:
        query = query.where(AuditEntry.at >= asked.since)
    if asked.until is not None:
        query = query.where(AuditEntry.at < asked.until)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = session.scalars(query).all()
    owners = {audit.owner_of(entry.actor) for entry in found if entry.origin is not None}
    crypto.fetch_data_keys(session, [owner for owner in owners if owner is not None])
    return [_told(session, entry) for entry in found]


def table(asked: Asked) -> Iterator[bytes]:
    """The entries as CSV in parts, each read in a transaction of its own. Texts that a spreadsheet would take for a
    formula are told as texts."""
    yield csv_table(HEADER, [])
    before: UUID | None = None
    while True:
        with transaction() as session:
            found = page(session, asked, before=before, limit=_CHUNK)
        if found:
            yield lines(_row(entry) for entry in found)
        if len(found) < _CHUNK:
            return
        before = found[-1]["id"]


def _row(entry: dict[str, Any]) -> list[str | None]:
    told = entry | {
        "at": entry["at"].isoformat(),
        "change": json.dumps(entry["change"], ensure_ascii=False),
        "session_id": str(entry["session_id"]) if entry["session_id"] else None,
        "id": str(entry["id"]),
    }
    return [words(told[name]) for name in HEADER]


def _told(session: Session, entry: AuditEntry) -> dict[str, Any]:
    came_from = _origin_of(session, entry)
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "change": entry.change,
        "session_id": entry.session_id,
        "request_id": entry.request_id,
        "network": came_from.get("network"),
        "client_id": came_from.get("client_id"),
        "agent": came_from.get("agent"),
    }


def _origin_of(session: Session, entry: AuditEntry) -> dict[str, str | None]:
    owner_id = audit.owner_of(entry.actor)
    if entry.origin is None or owner_id is None:
        return {}
    try:
        text = crypto.unseal(
            session, owner_id=owner_id, place=audit.ORIGIN_PLACE, row_id=entry.id, ciphertext=entry.origin
        )
    except crypto.Erased:
        return {}
    found: dict[str, str | None] = json.loads(text)
    return found
