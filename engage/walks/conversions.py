"""Conversions: which message a goal that was reached is due to, and until when one counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection, connection_of, transaction
from engage.walks import engine
from engage.walks.walk import Walk

#: What happened in time may be told late: so long after the window's end it still counts.
_TOLD_LATE = timedelta(days=7)

_LAPSED_AT_ONCE = 1_000


def credit_all(connection: Connection, converted: Sequence[Walk]) -> None:
    """Credit each to the last of the walk's messages that had been delivered when the goal was reached, if any."""
    if not converted:
        return
    rows = connection.execute(
        _LAST_DELIVERED, [[walk.id for walk in converted], [walk.converted_at for walk in converted]]
    )
    last: dict[UUID, UUID] = {row[0]: row[1] for row in rows}
    for walk in converted:
        engine.credit(walk, message_id=last.get(walk.id))


def lapse(now: datetime) -> int:
    """Close the windows of goals that were not reached, some hundreds a transaction; says how many there were."""
    with transaction() as session:
        return connection_of(session).execute(_LAPSE, [now - _TOLD_LATE, _LAPSED_AT_ONCE]).rowcount


def lapse_all(now: datetime) -> None:
    """Close all that are over."""
    while lapse(now) == _LAPSED_AT_ONCE:
        pass


_LAST_DELIVERED = """
    SELECT walk.id, last.id
      FROM unnest(%s::uuid[], %s::timestamptz[]) AS walk (id, converted_at)
     CROSS JOIN LATERAL (
           SELECT m.id
             FROM engage.step_run r
            CROSS JOIN unnest(r.message_ids) AS sent (id)
             JOIN core.message m ON m.id = sent.id
            WHERE r.enrolment_id = walk.id AND m.delivered_at <= walk.converted_at
            ORDER BY m.delivered_at DESC, m.id DESC
            LIMIT 1) last
"""

_LAPSE = """
    UPDATE engage.enrolment SET goal_until = NULL
     WHERE id IN (SELECT id FROM engage.enrolment WHERE goal_until < %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
"""
