"""Who asks for streams with a condition or a sum, and dropping those that nobody asks for any more.

Each event of its name is held against each of them, so there is a bound to how many there may be.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.db import Connection
from insights.streams.errors import TooMuchCounted
from insights.streams.stream import TRACKED, Stream

#: Some milliseconds an event, were all of them of its name.
MOST_ASKED = 500

#: What somebody asks for; None where this release does not understand all that they keep.
AskedBy = Callable[[Connection], Collection[Stream] | None]

_asked_by: Sequence[AskedBy] = ()


def register(asked_by: Sequence[AskedBy]) -> None:
    """Take the answers of whoever keeps conditions; the rooms above are handed in by the wiring, never imported."""
    global _asked_by
    _asked_by = tuple(asked_by)


def make_room(connection: Connection, fresh: Collection[Stream], *, wanted: Collection[Stream], now: datetime) -> None:
    """See that there is room for fresh streams.

    wanted   what is asked for just now, fresh or not
    raises   TooMuchCounted
    effects  where there is no room, as `drop_unasked`
    """
    asked = sum(not stream.is_plain for stream in fresh)
    if asked and _count(connection) + asked > MOST_ASKED:
        drop_unasked(connection, wanted=wanted, now=now)
        if (there_are := _count(connection)) + asked > MOST_ASKED:
            detail = (
                f"{there_are} conditions and sums of events are counted for segments and journeys, and may be"
                f" {MOST_ASKED}: {asked} more have no room. Archive segments and end journeys that nobody needs."
            )
            raise TooMuchCounted(detail)


def drop_unasked(
    connection: Connection, *, before: datetime | None = None, wanted: Collection[Stream] = (), now: datetime
) -> int:
    """Stop counting what nobody asks for; returns how many streams that were. What they counted goes later.

    before   those that were made since stay: their author may be trying things out
    effects  the caller renews the definitions, last of all
    """
    # Asked without a lock first: mostly nothing is to be dropped, and a transaction that locks holds readers back.
    candidates = _unasked(connection, _KEPT, {"tracked": TRACKED, "before": before}, wanted)
    if not candidates:
        return 0
    # Locked before anybody is asked again: whoever comes to ask for one of them waits, and makes another.
    unasked = _unasked(connection, _LOCK, {"ids": candidates}, wanted)
    if unasked:
        connection.execute(_DROP, [now, unasked])
    return len(unasked)


def _unasked(connection: Connection, statement: str, which: Mapping[str, Any], wanted: Collection[Stream]) -> list[int]:
    """Those of the streams that a statement gives that nobody asks for."""
    if not _asked_by:
        return []  # nobody was handed in, so nobody is known to ask
    kept = connection.execute(statement, which).fetchall()
    asked = set(wanted)
    for asked_by in _asked_by:
        found = asked_by(connection)
        if found is None:
            return []
        asked.update(found)
    return [row[0] for row in kept if Stream(*row[1:]) not in asked]


def _count(connection: Connection) -> int:
    row = connection.execute(_COUNT, {"tracked": TRACKED}).fetchone()
    return int(row[0]) if row else 0


_ASKED = "state <> 'dropped' AND (condition <> '' OR field <> '' OR event = %(tracked)s AND named = '')"

_COUNT = f"SELECT count(*) FROM insights.stream WHERE {_ASKED}"  # noqa: S608 - constants only

_KEPT = f"""
    SELECT id, event, named, condition, field FROM insights.stream
     WHERE {_ASKED} AND created_at < coalesce(%(before)s::timestamptz, 'infinity')
"""  # noqa: S608 - constants only

_LOCK = """
    SELECT id, event, named, condition, field FROM insights.stream
     WHERE id = ANY(%(ids)s) AND state <> 'dropped' ORDER BY id FOR UPDATE SKIP LOCKED
"""

# The same may be asked for again: that is another stream then.
_DROP = """
    UPDATE insights.stream SET state = 'dropped', dropped_at = %s, fingerprint = uuid_send(gen_random_uuid())
     WHERE id = ANY(%s)
"""
