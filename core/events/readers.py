"""Readers of the log: each event takes effect exactly once, in order for each customer.

A reader has one offset row a slot. `run_batch` locks free offset rows that have unread events, reads the next batch
below the horizon, lets the reader handle it, moves the offsets and commits: effects and offsets commit together.
Sequence order is not commit order, so the position is (epoch, xid, seq) below `pg_snapshot_xmin`: a reader that
followed max(id) would lose the rows that commit late.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Connection, connection_of, transaction, translated_errors
from core.errors import Busy, DatabaseUnavailable
from core.events import parking
from core.events.log import SLOTS, LoggedEvent, Xid8

Handle = Callable[[Session, Sequence[LoggedEvent], datetime], None]


@dataclass(frozen=True)
class Reader:
    """One line of `READERS` in the wiring.

    names    the events it wants; None for all of them
    handle   handle(session, events, now): the batch, in order, in one transaction; must end in well under 250 ms
    limit    events a batch
    """

    name: str
    handle: Handle
    names: frozenset[str] | None
    limit: int = 200


class ReaderOffset(Base):
    __tablename__ = "reader_offset"
    __table_args__ = {"schema": "core"}

    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(server_default="0")
    xid: Mapped[str] = mapped_column(Xid8, server_default="0")
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    read_at: Mapped[datetime | None]


def register(readers: Sequence[Reader]) -> None:
    """Give each reader its offset rows, at the beginning of the log; those that have them keep them."""
    with transaction() as session:
        connection_of(session).execute(
            """
            INSERT INTO core.reader_offset (reader, slot)
            SELECT reader, slot FROM unnest(%s::text[]) AS reader, generate_series(0, %s) AS slot
            ON CONFLICT DO NOTHING
            """,
            [[reader.name for reader in readers], SLOTS - 1],
        )


def run_batch(reader: Reader, *, now: datetime) -> int:
    """Let a reader take its next batch; returns how many events it passed (0: nothing unread, or others hold it).

    A batch that fails is rolled back and taken one event a transaction; an event that fails by itself parks its
    subject for this reader. Deadlocks, lock time-outs and lost connections are no fault of an event: they pass up.
    """
    try:
        return _take(reader, limit=reader.limit, slots=16, now=now)
    except _Failed:
        return _take_singly(reader, now=now)


class _Failed(Exception):
    """A handler raised; carries what it was handed, so that a lone culprit can be parked by name."""

    def __init__(self, wanted: Sequence[LoggedEvent], error: Exception) -> None:
        super().__init__(str(error))
        self.wanted, self.error = wanted, error


def _take(reader: Reader, *, limit: int, slots: int, now: datetime) -> int:
    with transaction() as session:
        connection = connection_of(session)
        events, positions = _read(connection, reader, limit=limit, slots=slots)
        parked = parking.parked_subjects(connection, reader.name, events)
        ready = [event for event in events if event.subject not in parked]
        wanted = [event for event in ready if reader.names is None or event.name in reader.names]

        if wanted:
            _handle(reader, session, wanted, now=now)

        parking.queue_behind(connection, reader.name, [e for e in events if e.subject in parked], reader.names)
        _advance(connection_of(session), reader.name, positions, now=now)
        return len(events)


def _take_singly(reader: Reader, *, now: datetime) -> int:
    """One event a transaction, until one slot's trouble is past: found by its failing, it is parked."""
    passed = 0
    for _ in range(reader.limit):
        try:
            taken = _take(reader, limit=1, slots=1, now=now)
        except _Failed as failed:
            taken = _park(reader, failed.wanted[0], failed.error, now=now)
        passed += taken
        if not taken:
            break
    return passed


def _handle(reader: Reader, session: Session, wanted: Sequence[LoggedEvent], *, now: datetime) -> None:
    try:
        with translated_errors():
            reader.handle(session, wanted, now)
            session.flush()
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:  # whatever an event can do to its handler, the other customers go on
        raise _Failed(wanted, error) from error


def _park(reader: Reader, culprit: LoggedEvent, error: Exception, *, now: datetime) -> int:
    with transaction() as session:
        connection = connection_of(session)
        events, positions = _read(connection, reader, limit=1, slots=1, only_slot=culprit.slot)
        if [event.id for event in events] != [culprit.id]:
            return 1  # another worker moved this slot on meanwhile, and has dealt with the event itself
        parking.park(connection, reader.name, culprit, error=error, now=now)
        _advance(connection, reader.name, positions, now=now)
        return 1


def _read(
    connection: Connection, reader: Reader, *, limit: int, slots: int, only_slot: int | None = None
) -> tuple[list[LoggedEvent], dict[int, tuple[int, int, int]]]:
    """Lock up to `slots` offsets with unread events and read up to `limit` events beyond them, in order a slot."""
    locked = connection.execute(_LOCK_OFFSETS, {"reader": reader.name, "slots": slots, "only": only_slot}).fetchall()
    if not locked:
        return [], {}
    rows = connection.execute(
        _READ_EVENTS,
        {
            "slots": [row[0] for row in locked],
            "epochs": [row[1] for row in locked],
            "xids": [row[2] for row in locked],
            "seqs": [row[3] for row in locked],
            "limit": limit,
            "each": max(limit // len(locked), 1),
            "all": reader.names is None,
            "names": sorted(reader.names or ()),
        },
    ).fetchall()
    events = [LoggedEvent(row[0], row[1], int(row[2]), *row[3:]) for row in rows]
    # Rows come in order within a slot, so the last one of each slot is its new position.
    return events, {event.slot: (event.epoch, event.xid, event.seq) for event in events}


def _advance(connection: Connection, reader: str, positions: dict[int, tuple[int, int, int]], *, now: datetime) -> None:
    if positions:
        slots = list(positions)
        columns: list[list[Any]] = [slots, *([positions[slot][part] for slot in slots] for part in range(3))]
        columns[2] = [str(xid) for xid in columns[2]]
        connection.execute(_ADVANCE, [now, *columns, reader])


def has_read(connection: Connection, reader: str, customer_id: UUID, *, until: datetime) -> bool:
    """Whether a reader has taken every event of this customer that occurred by `until` and is not parked on them.

    A wait's time-out may be decided only then: after an outage the redemptions come before "not redeemed".
    """
    row = connection.execute(_HAS_READ, {"reader": reader, "customer": customer_id, "until": until}).fetchone()
    return bool(row and row[0])


def lag(connection: Connection) -> list[tuple[str, int]]:
    """For each reader, how many committed events lie beyond its offsets (for metrics and `/readyz`)."""
    return [(row[0], row[1]) for row in connection.execute(_LAG).fetchall()]


_BEYOND = "(e.epoch, e.xid, e.seq) > (o.epoch, o.xid, o.seq)"
_BELOW_HORIZON = "(e.xid < pg_snapshot_xmin(pg_current_snapshot()) OR e.epoch < core.current_epoch())"

_LOCK_OFFSETS = f"""
    SELECT o.slot, o.epoch, o.xid::text, o.seq
      FROM core.reader_offset o
     WHERE o.reader = %(reader)s
       AND (%(only)s::smallint IS NULL OR o.slot = %(only)s)
       AND EXISTS (SELECT FROM core.event e WHERE e.slot = o.slot AND {_BEYOND} AND {_BELOW_HORIZON})
     ORDER BY o.read_at NULLS FIRST
     LIMIT %(slots)s
       FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants only

_READ_EVENTS = f"""
    SELECT e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, e.occurred_at,
           e.recorded_at, e.source, e.caused_by, e.depth, e.trace,
           CASE WHEN %(all)s OR e.name = ANY(%(names)s) THEN e.payload END
      FROM unnest(%(slots)s::smallint[], %(epochs)s::int[], %(xids)s::xid8[], %(seqs)s::bigint[])
           AS o (slot, epoch, xid, seq)
     CROSS JOIN LATERAL (
           SELECT * FROM core.event e
            WHERE e.slot = o.slot AND {_BEYOND} AND {_BELOW_HORIZON}
            ORDER BY e.epoch, e.xid, e.seq
            LIMIT %(each)s) e
     ORDER BY e.epoch, e.xid, e.seq
     LIMIT %(limit)s
"""  # noqa: S608 - constants only

_ADVANCE = """
    UPDATE core.reader_offset o
       SET epoch = moved.epoch, xid = moved.xid, seq = moved.seq, read_at = %s
      FROM unnest(%s::smallint[], %s::int[], %s::xid8[], %s::bigint[]) AS moved (slot, epoch, xid, seq)
     WHERE o.reader = %s AND o.slot = moved.slot
"""

_HAS_READ = f"""
    SELECT NOT EXISTS (
             SELECT FROM core.reader_offset o JOIN core.event e ON e.slot = o.slot AND {_BEYOND}
              WHERE o.reader = %(reader)s AND o.slot = core.slot_of(%(customer)s, NULL)
                AND e.customer_id = %(customer)s AND e.occurred_at <= %(until)s)
       AND NOT EXISTS (
             SELECT FROM core.reader_parked p WHERE p.reader = %(reader)s AND p.subject = %(customer)s::text)
"""  # noqa: S608 - constants only

_LAG = f"""
    SELECT o.reader, count(e.id)
      FROM core.reader_offset o LEFT JOIN core.event e ON e.slot = o.slot AND {_BEYOND}
     GROUP BY o.reader ORDER BY o.reader
"""  # noqa: S608 - constants only
