"""Where each reader stands: one offset row a slot, and the events beyond it.

Sequence order is not commit order, so a position is (epoch, xid, seq) below `pg_snapshot_xmin`: a reader that followed
max(id) would lose the rows that commit late. The horizon is read in the same statement as the events.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Connection, connection_of, transaction
from core.events.log import SLOTS, LoggedEvent, Xid8

#: (epoch, xid, seq).
Position = tuple[int, int, int]

#: Beyond every position that an event can have.
_END = (2**31 - 1, str(2**64 - 1), 2**63 - 1)

#: Of events that it does not want a reader passes so many times as many at once.
_PASSED_BY = 4

#: A batch is for as many slots that are full: of one with more unread events than others have, more is taken.
_FULL_SLOTS = 16


class ReaderOffset(Base):
    __tablename__ = "reader_offset"
    __table_args__ = {"schema": "core"}

    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(server_default="0")
    xid: Mapped[str] = mapped_column(Xid8, server_default="0")
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")
    read_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What lies beyond some of a reader's offsets.

    events     those that it wants, in order a slot
    positions  by slot, where the batch ends: what to `advance` to
    passed     how many events it takes the reader past, wanted or not
    is_cut     whether it left out more of what is there, as far as can be told
    """

    events: list[LoggedEvent]
    positions: dict[int, Position]
    passed: int
    is_cut: bool = False


def open_all(readers: Iterable[str]) -> None:
    """Give each reader its offset rows, at the beginning of the log; those that have them keep them."""
    with transaction() as session:
        connection_of(session).execute(
            """
            INSERT INTO core.reader_offset (reader, slot)
            SELECT reader, slot FROM unnest(%s::text[]) AS reader, generate_series(0, %s) AS slot
            ON CONFLICT DO NOTHING
            """,
            [list(readers), SLOTS - 1],
        )


def read(
    connection: Connection,
    reader: str,
    *,
    names: frozenset[str] | None,
    limit: int,
    slots: int,
    behind: str | None = None,
    only_slot: int | None = None,
) -> Batch:
    """Lock up to `slots` offsets with unread events and pass up to `limit` events beyond them, in order a slot.

    behind  the reader past whose offsets nothing is read
    """
    asked = {"reader": reader, "behind": behind, "slots": slots, "only": only_slot}
    locked = connection.execute(_LOCK_OFFSETS, asked).fetchall()
    if not locked:
        return Batch([], {}, 0)
    ends = [row[4:7] if behind else _END for row in locked]
    each = max(limit // min(len(locked), _FULL_SLOTS), 1) * (1 if names is None else _PASSED_BY)
    beyond = {
        "slots": [row[0] for row in locked],
        "epochs": [row[1] for row in locked],
        "xids": [row[2] for row in locked],
        "seqs": [row[3] for row in locked],
        "to_epochs": [end[0] for end in ends],
        "to_xids": [end[1] for end in ends],
        "to_seqs": [end[2] for end in ends],
        "limit": limit,
        "each": each,
    }
    if names is None:
        rows = connection.execute(_READ_ALL, beyond).fetchall()
        passed = Counter(row[4] for row in rows)
        is_cut = max(passed.values(), default=0) >= each
    else:
        rows = connection.execute(_READ_WANTED, {**beyond, "names": sorted(names)}).fetchall()
        passed = Counter({row[4]: row[15] for row in rows})
        is_cut = any(row[16] >= each for row in rows)
    return Batch(
        events=[LoggedEvent(row[0], row[1], int(row[2]), *row[3:15]) for row in rows if row[0] is not None],
        # Rows come in order within a slot, so the last one of each slot is its new position.
        positions={row[4]: (row[1], int(row[2]), row[3]) for row in rows},
        passed=passed.total(),
        is_cut=is_cut or len(rows) >= limit or len(locked) == slots < SLOTS,
    )


def advance(connection: Connection, reader: str, positions: dict[int, Position]) -> None:
    """Move the offsets that `read` locked."""
    if positions:
        slots = list(positions)
        columns: list[list[Any]] = [slots, *([positions[slot][part] for slot in slots] for part in range(3))]
        columns[2] = [str(xid) for xid in columns[2]]
        connection.execute(_ADVANCE, [*columns, reader])


def lock_slot(connection: Connection, reader: str, slot: int) -> None:
    """Wait until no batch of this slot is under way, and keep others out for this transaction."""
    connection.execute("SELECT FROM core.reader_offset WHERE reader = %s AND slot = %s FOR UPDATE", [reader, slot])


#: SQL: that the event `e` lies beyond the offset `o`.
BEYOND = "(e.epoch, e.xid, e.seq) > (o.epoch, o.xid, o.seq)"
_BELOW_HORIZON = "(e.xid < pg_snapshot_xmin(pg_current_snapshot()) OR e.epoch < core.current_epoch())"

# The lateral LIMIT 1 looks at the one next event of each slot through the index. An EXISTS would let the planner hash
# the whole log, and behind a long transaction it would walk over every event above the horizon.
# `b` is where the reader stands that this one stays behind; what that one has committed is seen by all that follows.
# Where it has come as far itself there is no next event up to there, and the log is not looked at.
_LOCK_OFFSETS = f"""
    SELECT o.slot, o.epoch, o.xid::text, o.seq, b.epoch, b.xid::text, b.seq
      FROM core.reader_offset o
      LEFT JOIN core.reader_offset b ON b.reader = %(behind)s AND b.slot = o.slot
     WHERE o.reader = %(reader)s
       AND (%(only)s::smallint IS NULL OR o.slot = %(only)s)
       AND CASE WHEN %(behind)s::text IS NULL OR (o.epoch, o.xid, o.seq) < (b.epoch, b.xid, b.seq)
                THEN (SELECT {_BELOW_HORIZON}
                        FROM (SELECT e.epoch, e.xid FROM core.event e
                               WHERE e.slot = o.slot AND {BEYOND}
                               ORDER BY e.epoch, e.xid, e.seq LIMIT 1) e) END
     ORDER BY o.read_at NULLS FIRST
     LIMIT %(slots)s
       FOR UPDATE OF o SKIP LOCKED
"""  # noqa: S608 - constants only

# The end is always given, so that the index bounds the look on both sides.
_SLOTS = """unnest(%(slots)s::smallint[], %(epochs)s::int[], %(xids)s::xid8[], %(seqs)s::bigint[],
                  %(to_epochs)s::int[], %(to_xids)s::xid8[], %(to_seqs)s::bigint[])
           AS o (slot, epoch, xid, seq, to_epoch, to_xid, to_seq)"""
_NEXT = f"""FROM core.event e
                    WHERE e.slot = o.slot AND {BEYOND} AND {_BELOW_HORIZON}
                      AND (e.epoch, e.xid, e.seq) <= (o.to_epoch, o.to_xid, o.to_seq)
                    ORDER BY e.epoch, e.xid, e.seq
                    LIMIT %(each)s"""
_CONTENT = "{0}.occurred_at, {0}.recorded_at, {0}.source, {0}.caused_by, {0}.depth, {0}.trace, {0}.payload"

_READ_ALL = f"""
    SELECT e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, {_CONTENT.format("e")}
      FROM {_SLOTS}
     CROSS JOIN LATERAL (SELECT * {_NEXT}) e
     ORDER BY e.epoch, e.xid, e.seq
     LIMIT %(limit)s
"""  # noqa: S608 - constants only

# Most readers want few events: of all the others in a slot only the last comes, without its content, to tell how far
# the slot was passed.
_READ_WANTED = f"""
    SELECT w.id, e.epoch, e.xid::text, e.seq, e.slot, w.name, w.customer_id, w.subject_id, {_CONTENT.format("w")},
           e.place, e.count
      FROM {_SLOTS}
     CROSS JOIN LATERAL (
           SELECT next.*, row_number() OVER (ORDER BY epoch, xid, seq) AS place, count(*) OVER () AS count
             FROM (SELECT e.id, e.epoch, e.xid, e.seq, e.slot, e.name {_NEXT}) next) e
      LEFT JOIN core.event w ON w.id = e.id AND e.name = ANY(%(names)s)
     WHERE e.name = ANY(%(names)s) OR e.place = e.count
     ORDER BY e.epoch, e.xid, e.seq
     LIMIT %(limit)s
"""  # noqa: S608 - constants only

# `read_at` is the real clock, not the caller's: a simulated one may stand still, and then always the same slots
# would come first.
_ADVANCE = """
    UPDATE core.reader_offset o
       SET epoch = moved.epoch, xid = moved.xid, seq = moved.seq, read_at = clock_timestamp()
      FROM unnest(%s::smallint[], %s::int[], %s::xid8[], %s::bigint[]) AS moved (slot, epoch, xid, seq)
     WHERE o.reader = %s AND o.slot = moved.slot
"""
