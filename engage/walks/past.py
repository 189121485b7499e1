"""The past: what happened to customers already, for waits that look back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from engage.walks.effects import Asked, AskPast, Past

#: How far back an event's id may lie behind the time at which it happened: by a clock that was fast.
_FAST = timedelta(days=1)

#: Events of one name that one look takes in; whoever has more of them since then is looked at no further.
_MOST = 500


def load(
    connection: Connection, asked: Sequence[Asked], *, reader: str, seen: Mapping[UUID, LoggedEvent], now: datetime
) -> list[Past]:
    """What each looks back for, the earliest first, as far as the reader has come: what lies beyond wakes the walk.

    seen  by customer, the event that is being handled; of others the reader's offset says how far it has come
    """
    rows = connection.execute(_LOOK, [*_columns(asked, seen), reader, now, _MOST]).fetchall()
    found: list[list[LoggedEvent]] = [[] for _ in asked]
    for place, *row in rows:
        found[place].append(LoggedEvent(row[0], row[1], int(row[2]), *row[3:]))
    return [Past(events) for events in found]


def _columns(asked: Sequence[Asked], seen: Mapping[UUID, LoggedEvent]) -> list[list[object]]:
    rows: list[tuple[object, ...]] = []
    for place, one in enumerate(asked):
        assert isinstance(one.ask, AskPast), "only waits look back"
        at = seen.get(one.walk.customer_id)
        position = (at.epoch, str(at.xid), at.seq) if at else (None, None, None)
        rows.append((place, one.walk.customer_id, one.ask.event, one.ask.since, _floor(one.ask.since), *position))
    return [list(column) for column in zip(*rows, strict=True)]


def _floor(since: datetime) -> UUID:
    """The least id of an event that happened since then, so that earlier months of the log are passed over."""
    return UUID(int=max(int((since - _FAST).timestamp() * 1000), 0) << 80)


_LOOK = """
    SELECT asked.place, e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, e.occurred_at,
           e.recorded_at, e.source, e.caused_by, e.depth, e.trace, e.payload
      FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[], %s::int[], %s::xid8[], %s::bigint[])
           AS asked (place, customer_id, name, since, floor, epoch, xid, seq)
      LEFT JOIN core.reader_offset o ON o.reader = %s AND o.slot = core.slot_of(asked.customer_id, NULL)
     CROSS JOIN LATERAL (
           SELECT * FROM core.event e
            WHERE e.customer_id = asked.customer_id AND e.name = asked.name
              AND e.occurred_at BETWEEN asked.since AND %s AND e.id >= asked.floor
              AND (e.epoch, e.xid, e.seq)
                  <= (coalesce(asked.epoch, o.epoch), coalesce(asked.xid, o.xid), coalesce(asked.seq, o.seq))
            ORDER BY e.occurred_at, e.id
            LIMIT %s) e
     ORDER BY asked.place, e.occurred_at, e.id
"""
