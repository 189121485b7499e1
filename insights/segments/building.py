"""Building a segment: everybody is judged once, a slot at a time and some at once, while the reader goes on.

Whom the building has judged the reader judges from then on; the others go by the condition before, if there was one.
"""

from dataclasses import replace
from datetime import datetime
from time import monotonic
from uuid import UUID

from core.db import Connection, connection_of, transaction
from core.events import announce, offsets
from core.events.log import SLOTS
from insights.segments import catalogue, membership
from insights.segments.catalogue import Followed
from insights.segments.events import SegmentBuilt
from insights.segments.judging import judge
from insights.streams import catalogue as streams
from insights.streams.filling import READER

#: A writing transaction holds back every reader of the log, so one ends soon after this.
_LONGEST_SECONDS = 0.06

#: Customers judged at once: some 15 ms of work.
_AT_ONCE = 200


def build_due(now: datetime) -> int:
    """Build the segment that waits longest a little further; returns how many customers were judged, at least 1."""
    with transaction() as session:
        connection = connection_of(session)
        segment = _next(connection)
        if segment is None:
            return 0
        judged = _build(connection, segment, now)
        if _is_built(connection, segment.id):
            members = membership.count(connection, segment.id)
            connection.execute(_FINISH, [members, now, segment.id])
            announce(
                session,
                SegmentBuilt(
                    occurred_at=now,
                    segment_id=segment.id,
                    key=segment.key,
                    revision=segment.revision,
                    members=members,
                ),
            )
        streams.renew(connection)
        return max(judged, 1)


def _next(connection: Connection) -> Followed | None:
    """The next one to build whose streams are filled, locked."""
    for (segment_id,) in connection.execute(_WAITING).fetchall():
        if connection.execute(_LOCK, [segment_id]).fetchone() is not None:
            segment = catalogue.load(connection).segments[segment_id]
            known = streams.ids_of(connection, segment.condition.streams)
            if len(known) == len(segment.condition.streams) and all(is_filled for _, is_filled in known.values()):
                return segment
    return None


def _build(connection: Connection, segment: Followed, now: datetime) -> int:
    """Judge some more customers, by the new condition whoever they are; returns how many."""
    anew = replace(segment, is_live=True)
    begun, judged, slot, until = monotonic(), 0, segment.built_slots, segment.built_until
    while slot < SLOTS:
        offsets.lock_slot(connection, READER, slot)
        found = [row[0] for row in connection.execute(_CUSTOMERS, [slot, until, until, _AT_ONCE])]
        judge(connection, {customer_id: [anew] for customer_id in found}, now, is_rebuild=True)
        judged += len(found)
        slot, until = (slot, found[-1]) if len(found) == _AT_ONCE else (slot + 1, None)
        if monotonic() - begun > _LONGEST_SECONDS:
            break
    connection.execute(_KEEP, [slot, until, segment.id])
    return judged


def _is_built(connection: Connection, segment_id: UUID) -> bool:
    row = connection.execute("SELECT built_slots >= %s FROM insights.segment WHERE id = %s", [SLOTS, segment_id])
    return bool((row.fetchone() or [False])[0])


_WAITING = "SELECT id FROM insights.segment WHERE status = 'building' ORDER BY updated_at, id LIMIT 50"

# No key of it is changed: a batch of the log that writes members meanwhile must not wait.
_LOCK = "SELECT FROM insights.segment WHERE id = %s AND status = 'building' FOR NO KEY UPDATE SKIP LOCKED"

_KEEP = "UPDATE insights.segment SET built_slots = %s, built_until = %s WHERE id = %s"

_CUSTOMERS = """
    SELECT customer_id FROM insights.profile
     WHERE core.slot_of(customer_id, NULL) = %s AND (%s::uuid IS NULL OR customer_id > %s)
     ORDER BY customer_id LIMIT %s
"""

_FINISH = """
    UPDATE insights.segment SET status = 'live', previous = NULL, built_until = NULL, members = %s, counted_at = %s
     WHERE id = %s
"""
