"""Shown: a broadcast as staff see it, with how far it has come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.broadcasts import counting, drafting, starting
from engage.broadcasts.errors import SegmentNotReady
from engage.broadcasts.models import PREPARING, SCHEDULED, Broadcast

_COLUMNS = [column.key for column in Broadcast.__table__.columns if column.key != "wording"]


def one(session: Session, broadcast_id: UUID, *, now: datetime) -> dict[str, Any]:
    """A broadcast with `members` of its segment as of now, and what became of those who were dealt with.

    raises  NotFound
    """
    broadcast = drafting.find(session, broadcast_id)
    told = row(broadcast, now=now)
    told["counts"] = counting.of(connection_of(session), broadcast_id)
    try:
        told["members"] = starting.members_of(session, broadcast)
    except SegmentNotReady:
        told["members"] = None
    return told


def row(broadcast: Broadcast, *, now: datetime) -> dict[str, Any]:
    """What stands of it in a list."""
    told = {name: getattr(broadcast, name) for name in _COLUMNS} | {"template": broadcast.wording}
    if broadcast.status == SCHEDULED and broadcast.starts_at is not None and broadcast.starts_at <= now:
        told["status"] = PREPARING
    return told
