"""How far readers have come: whether one has taken all of a customer's events up to a moment, and what each has yet to
take."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection
from core.events.offsets import BEYOND

#: How many unread events of a slot are counted before `lag` says "this many or more".
_COUNTED_A_SLOT = 1_000

#: A transaction that has written nothing for so long only reads (a dump); ours write within a fraction of this.
_LONGEST_BEFORE_WRITING = timedelta(seconds=10)


def has_read(connection: Connection, reader: str, customer_id: UUID, *, until: datetime) -> bool:
    """`have_read` of one."""
    return have_read(connection, reader, [(customer_id, until)])[0]


def have_read(connection: Connection, reader: str, wanted: Sequence[tuple[UUID, datetime]]) -> list[bool]:
    """For each (customer, until), whether a reader has taken every event of theirs that occurred by then and is not
    parked on them; in two statements for any number.

    A wait's time-out may be decided only then: after an outage the redemptions come before "not redeemed".
    """
    if not wanted:
        return []
    # Two statements, in this order: whoever commits between them is gone from the first and seen by the second. In one
    # they would be seen by neither, since its snapshot is older than its look at who still writes.
    told = connection.execute(_WRITING_SINCE, {"longest": _LONGEST_BEFORE_WRITING}).fetchone()
    writing_since: datetime | None = told[0] if told else None
    customers, untils = [customer for customer, _ in wanted], [until for _, until in wanted]
    rows = connection.execute(_HAVE_READ, {"reader": reader, "customers": customers, "untils": untils}).fetchall()
    # A reader without offsets has read nothing.
    read = {row[0]: bool(row[1]) for row in rows}
    return [
        read.get(position, False) and (writing_since is None or writing_since > until)
        for position, until in enumerate(untils, start=1)
    ]


def lag(connection: Connection) -> list[tuple[str, int]]:
    """For each reader, how many committed events lie beyond its offsets; counting ends at 1,000 a slot."""
    return [(row[0], row[1]) for row in connection.execute(_LAG, [_COUNTED_A_SLOT]).fetchall()]


# A transaction that began before `until` may be about to commit an event of that time. Until its first write it has no
# transaction id to be known by, so each young one counts.
_WRITING_SINCE = """
    SELECT min(a.xact_start) FROM pg_stat_activity a
     WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
       AND (a.backend_xid IS NOT NULL OR a.xact_start > clock_timestamp() - %(longest)s)
"""

# Each customer's next events through the index of the log by slot, or that of the timeline, whichever is shorter.
_HAVE_READ = f"""
    SELECT w.position,
           NOT EXISTS (SELECT FROM core.reader_parked p WHERE p.reader = %(reader)s AND p.subject = w.customer_id::text)
           AND NOT EXISTS (
                 SELECT FROM core.event e
                  WHERE e.customer_id = w.customer_id AND e.occurred_at <= w.until AND e.slot = o.slot AND {BEYOND})
      FROM unnest(%(customers)s::uuid[], %(untils)s::timestamptz[]) WITH ORDINALITY AS w (customer_id, until, position)
      JOIN core.reader_offset o ON o.reader = %(reader)s AND o.slot = core.slot_of(w.customer_id, NULL)
"""  # noqa: S608 - constants only

_LAG = f"""
    SELECT o.reader, sum(unread.count)::bigint
      FROM core.reader_offset o
     CROSS JOIN LATERAL (
           SELECT count(*) FROM (SELECT FROM core.event e WHERE e.slot = o.slot AND {BEYOND} LIMIT %s) AS few) unread
     GROUP BY o.reader ORDER BY o.reader
"""  # noqa: S608 - constants only
