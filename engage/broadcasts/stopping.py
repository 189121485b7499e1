"""Stopping: a broadcast whose campaign gives no vouchers just now, or has spent its budget, stands still, so that
nobody's turn is used up for nothing. It goes on where it was when somebody starts it again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import announce
from engage.broadcasts import drafting
from engage.broadcasts.events import BroadcastResumed, BroadcastStopped
from engage.broadcasts.models import PREPARING, SCHEDULED, STOPPED, Broadcast


def stop(session: Session, broadcast_id: UUID, *, reason: str, now: datetime) -> None:
    """Prepare no more of it for now; said twice it is said once. Parts come before their broadcast, as anywhere.

    reason   a code
    effects  announces broadcast.stopped
    """
    connection_of(session).execute(_DUE, [broadcast_id, None])
    broadcast = drafting.locked(session, broadcast_id)
    if broadcast.status not in (SCHEDULED, PREPARING):
        return
    broadcast.status, broadcast.stopped_because = STOPPED, reason
    announce(
        session,
        BroadcastStopped(occurred_at=now, broadcast_id=broadcast_id, segment_id=broadcast.segment_id, reason=reason),
    )


def hold(session: Session, broadcast_id: UUID) -> None:
    """Lock its parts, before it is locked itself."""
    connection_of(session).execute(_HOLD, [broadcast_id])


def resume(session: Session, broadcast: Broadcast, *, now: datetime) -> None:
    """Let workers go on with one that had stopped, held and locked by the caller.

    effects  a throttle counts from now on, so that what was held up does not leave in one rush; announces
             broadcast.resumed
    """
    connection_of(session).execute(_DUE, [broadcast.id, max(broadcast.starts_at or now, now)])
    broadcast.status, broadcast.started_at = PREPARING, now
    announce(session, BroadcastResumed(occurred_at=now, broadcast_id=broadcast.id, segment_id=broadcast.segment_id))


_HOLD = "SELECT id FROM engage.broadcast_part WHERE broadcast_id = %s AND state = 'waiting' ORDER BY slot FOR UPDATE"

_DUE = """
    WITH held AS (
        SELECT id FROM engage.broadcast_part WHERE broadcast_id = %s AND state = 'waiting' ORDER BY slot FOR UPDATE)
    UPDATE engage.broadcast_part p SET due_at = %s FROM held WHERE p.id = held.id
"""
