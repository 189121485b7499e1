"""What an operator does about parked subjects: look, retry in order, skip the culprit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.db import Connection, connection_of, transaction
from core.events import offsets
from core.events.log import LoggedEvent, slot_of
from core.events.readers import Reader


@dataclass(frozen=True, slots=True)
class ParkedSubject:
    reader: str
    subject: str
    events: int
    error: str | None
    since: datetime


def waiting(connection: Connection) -> list[ParkedSubject]:
    """Every parked subject, the longest first; `error` is what its first event met."""
    rows = connection.execute(
        """
        SELECT reader, subject, count(*), max(error), min(parked_at)
          FROM core.reader_parked GROUP BY reader, subject ORDER BY min(parked_at)
        """
    )
    return [ParkedSubject(*row) for row in rows]


def retry(reader: Reader, subject: str, *, now: datetime) -> int:
    """Hand a subject's parked events to its reader again, in order, a batch a transaction; returns how many.

    raises  what the handler raises, with nothing changed by the batch that raised it
    """
    handled = 0
    while taken := _retry_batch(reader, subject, now=now):
        handled += taken
    return handled


def skip_first(reader: Reader, subject: str) -> bool:
    """Give up the first parked event of a subject; False when there is none."""
    with transaction() as session:
        connection = connection_of(session)
        events = _parked(connection, reader.name, subject, limit=1)
        _release(connection, reader.name, [event.id for event in events])
        return bool(events)


def _retry_batch(reader: Reader, subject: str, *, now: datetime) -> int:
    with transaction() as session:
        events = _parked(connection_of(session), reader.name, subject, limit=reader.limit)
        if events:
            reader.handle(session, events, now)
            _release(connection_of(session), reader.name, [event.id for event in events])
        return len(events)


def _parked(connection: Connection, reader: str, subject: str, *, limit: int) -> list[LoggedEvent]:
    # A batch under way has seen who is parked: it must queue its events before the subject is freed, or never.
    offsets.lock_slot(connection, reader, slot_of(None, subject))
    rows = connection.execute(
        """
        SELECT e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, e.occurred_at,
               e.recorded_at, e.source, e.caused_by, e.depth, e.trace, e.payload
          FROM core.reader_parked p JOIN core.event e ON e.id = p.event_id
         WHERE p.reader = %s AND p.subject = %s
         ORDER BY e.epoch, e.xid, e.seq
         LIMIT %s
        """,
        [reader, subject, limit],
    )
    return [LoggedEvent(row[0], row[1], int(row[2]), *row[3:]) for row in rows]


def _release(connection: Connection, reader: str, event_ids: Sequence[Any]) -> None:
    connection.execute(
        "DELETE FROM core.reader_parked WHERE reader = %s AND event_id = ANY(%s)", [reader, list(event_ids)]
    )
