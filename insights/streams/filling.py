"""Filling a new stream from the log, a slot at a time, up to where the reader stands in it.

Whoever fills a slot holds the reader's offset of it, so each event is counted once: below it by the filling, beyond it
by the reader.
"""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from zoneinfo import ZoneInfo

from core.db import Connection, connection_of, transaction
from core.events import LoggedEvent, offsets
from core.events.log import SLOTS
from core.events.offsets import Position
from insights.streams import catalogue, counting
from insights.streams.catalogue import Known
from insights.streams.counting import Tallies
from insights.streams.stream import Stream
from wallet.assets import brand_time_zone

#: Whose offsets say what is counted.
READER = "insights.profiles"

#: A writing transaction holds back every reader of the log, so one ends soon after this.
_LONGEST_SECONDS = 0.06

#: How many events of a slot are passed with one statement, wanted or not.
_PAGE = 2_000


@dataclass(slots=True)
class _Filling:
    """Where filling stands: slots below `slot` are filled, and this one up to `after`."""

    known: Known
    slot: int
    after: Position | None


def fill_due(now: datetime) -> int:
    """Fill the stream that waits longest a little further; returns how many pages of the log were read for it."""
    with transaction() as session:
        connection, begun, pages = connection_of(session), monotonic(), 0
        filling = _next(connection)
        if filling is None:
            return 0
        while filling.slot < SLOTS and (pages == 0 or monotonic() - begun < _LONGEST_SECONDS):
            offsets.lock_slot(connection, READER, filling.slot)
            filling.after = _fill_page(connection, filling)
            filling.slot += filling.after is None
            pages += 1
        _keep(connection, filling)
        catalogue.renew(connection)
        return pages


def _next(connection: Connection) -> _Filling | None:
    row = connection.execute(_NEXT).fetchone()
    if row is None:
        return None
    stream = Stream(*row[1:5])
    after = (row[6], int(row[7]), row[8]) if row[6] is not None else None
    return _Filling(Known(row[0], stream, 0, stream.matcher()), row[5], after)


def _fill_page(connection: Connection, filling: _Filling) -> Position | None:
    """Count a page of a slot; returns where it ends, None when it was the slot's last."""
    epoch, xid, seq = filling.after or (0, 0, 0)
    stream, matches = filling.known.stream, filling.known.matches
    names = {"reader": READER, "slot": filling.slot, "epoch": epoch, "xid": str(xid), "seq": seq, "limit": _PAGE}
    rows = connection.execute(_READ, names | {"event": stream.event, "named": stream.named}).fetchall()
    zone, tallies = ZoneInfo(brand_time_zone()), Tallies()
    for event in (LoggedEvent(row[0], row[1], int(row[2]), *row[3:]) for row in rows if row[0] is not None):
        # Those of sandboxes the reader passes over.
        if event.customer_id is None or event.is_sandbox:
            continue
        if matches is None or matches(event.payload):
            counting.tally(tallies, event.customer_id, filling.known, event, zone)
    counting.store(connection, tallies)
    return (rows[-1][1], int(rows[-1][2]), rows[-1][3]) if len(rows) == _PAGE else None


def _keep(connection: Connection, filling: _Filling) -> None:
    epoch, xid, seq = filling.after or (None, None, None)
    state = "live" if filling.slot >= SLOTS else "filling"
    text = None if xid is None else str(xid)
    connection.execute(_KEEP, [filling.slot, epoch, text, seq, state, filling.known.id])


_NEXT = """
    SELECT id, event, named, condition, field, filled_slots, filled_epoch, filled_xid::text, filled_seq
      FROM insights.stream WHERE state = 'filling' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_KEEP = """
    UPDATE insights.stream
       SET filled_slots = %s, filled_epoch = %s, filled_xid = %s::xid8, filled_seq = %s, state = %s
     WHERE id = %s
"""

# An event that waits behind a parked one is counted when the reader takes it up again.
_READ = """
    SELECT w.id, e.epoch, e.xid::text, e.seq, e.slot, w.name, w.customer_id, w.subject_id, w.occurred_at,
           w.recorded_at, w.source, w.caused_by, w.depth, w.trace, w.payload
      FROM (SELECT e.* FROM core.reader_offset o JOIN core.event e ON e.slot = o.slot
             WHERE o.reader = %(reader)s AND o.slot = %(slot)s
               AND (e.epoch, e.xid, e.seq) > (%(epoch)s, %(xid)s::xid8, %(seq)s)
               AND (e.epoch, e.xid, e.seq) <= (o.epoch, o.xid, o.seq)
             ORDER BY e.epoch, e.xid, e.seq LIMIT %(limit)s) e
      LEFT JOIN LATERAL (
           SELECT e.* WHERE e.name = %(event)s AND (%(named)s = '' OR left(e.payload ->> 'event', 200) = %(named)s)
              AND NOT EXISTS (SELECT FROM core.reader_parked p WHERE p.reader = %(reader)s AND p.event_id = e.id)
           ) w ON true
     ORDER BY e.epoch, e.xid, e.seq
"""
