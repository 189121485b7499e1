"""Who is in which segment: read by rules, journeys and broadcasts, and written by whoever has judged.

Whoever writes holds the offset of the insights reader for the customer's slot, so no two judge a customer at once.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.db import Connection
from core.events import Event, LoggedEvent
from core.events.announce import MAX_DEPTH, append
from insights.segments.events import SegmentEntered, SegmentLeft

#: That a customer entered (or left), and the event that did it, where one did.
Move = tuple[bool, LoggedEvent | None]


class Judged(NamedTuple):
    """What a customer was found to be, by which revision of a segment, where that is to be written.

    moves  how they came from what is kept of them to that: nothing where it is the same, else in turn
    """

    customer_id: UUID
    segment_id: UUID
    key: str
    revision: int
    is_in: bool
    recheck_on: date | None
    moves: Sequence[Move]


class Kept(NamedTuple):
    """What is kept of a customer and a segment."""

    is_in: bool
    revision: int | None
    recheck_on: date | None


#: Of whom was never in, nor can be brought in by time alone, nothing is kept.
NOT_KEPT = Kept(False, None, None)


class Member(NamedTuple):
    customer_id: UUID
    since: datetime


class Standing(NamedTuple):
    """A segment that a customer is in."""

    segment_id: UUID
    key: str
    name: str
    since: datetime


def of(connection: Connection, customer_ids: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    """By customer, the keys of the segments that they are in; all of the customers are in the answer.

    A segment that is built for the first time has nobody yet; one that is built anew keeps those whom it had.
    """
    found: dict[UUID, set[str]] = {customer_id: set() for customer_id in customer_ids}
    if found:
        for customer_id, key in connection.execute(_OF, [list(found)]):
            found[customer_id].add(key)
    return {customer_id: frozenset(keys) for customer_id, keys in found.items()}


def of_customer(connection: Connection, customer_id: UUID) -> list[Standing]:
    """The segments that a customer is in, by key."""
    return [Standing(*row) for row in connection.execute(_STANDING, [customer_id])]


def page(connection: Connection, segment_id: UUID, slot: int, after: UUID | None, limit: int) -> list[UUID]:
    """Members of one slot in the order of their ids, beyond one."""
    return [row[0] for row in connection.execute(_PAGE, [segment_id, slot, after, after, limit])]


def listed(
    connection: Connection, segment_id: UUID, *, after: tuple[int, UUID] | None, limit: int
) -> list[tuple[int, Member]]:
    """Members with their slots, beyond one, in the order of slot and id."""
    slot, customer_id = after or (-1, UUID(int=0))
    rows = connection.execute(_LISTED, [segment_id, slot, customer_id, limit])
    return [(row[0], Member(row[1], row[2])) for row in rows]


def count(connection: Connection, segment_id: UUID) -> int:
    row = connection.execute(_COUNT, [segment_id]).fetchone()
    return int(row[0]) if row else 0


def kept(connection: Connection, customer_ids: list[UUID]) -> dict[UUID, dict[int, Kept]]:
    """By customer, what is kept by the number that a segment's id is, which is quicker to look up."""
    found: dict[UUID, dict[int, Kept]] = {}
    for customer_id, segment_id, is_in, revision, recheck_on in connection.execute(_KEPT, [customer_ids]):
        found.setdefault(customer_id, {})[segment_id.int] = Kept(is_in, revision, recheck_on)
    return found


def write(connection: Connection, judged: Sequence[Judged], now: datetime) -> None:
    """Keep what was found. No order is needed: nobody else writes rows of these slots just now."""
    if judged:
        columns: list[Any] = [
            [each.customer_id for each in judged],
            [each.segment_id for each in judged],
            [each.is_in for each in judged],
            [each.revision for each in judged],
            [each.recheck_on for each in judged],
        ]
        connection.execute(_WRITE, [now, *columns])
    if back := [each for each in judged if each.moves and len(each.moves) % 2 == 0]:
        connection.execute(_BACK, [now, [each.customer_id for each in back], [each.segment_id for each in back]])


def tell(connection: Connection, moved: Sequence[Judged], now: datetime, *, is_rebuild: bool) -> None:
    """Announce who entered and who left, in the order of what moved them. A chain of causes that goes in a ring ends
    here, past MAX_DEPTH: it is kept, but no longer announced."""
    moves = [(each, is_in, cause) for each in moved for is_in, cause in each.moves]
    moves.sort(key=lambda move: (move[2].epoch, move[2].xid, move[2].seq) if move[2] else _BEFORE_ALL)
    events = [_event(each, is_in, cause, now, is_rebuild=is_rebuild) for each, is_in, cause in moves]
    if events:
        append(connection, [event for event in events if event.depth <= MAX_DEPTH])


def _event(judged: Judged, is_in: bool, cause: LoggedEvent | None, now: datetime, *, is_rebuild: bool) -> Event:
    kind = SegmentEntered if is_in else SegmentLeft
    return kind(
        customer_id=judged.customer_id,
        occurred_at=now,
        caused_by=cause.id if cause else None,
        depth=cause.depth + 1 if cause else 0,
        trace=cause.trace if cause else None,
        segment_id=judged.segment_id,
        key=judged.key,
        revision=judged.revision,
        is_rebuild=is_rebuild,
    )


_BEFORE_ALL = (0, 0, 0)

#: A segment can be gone by once everybody was judged by it.
USABLE = "(s.status = 'live' OR s.status = 'building' AND s.previous IS NOT NULL)"

_OF = f"""
    SELECT m.customer_id, s.key FROM insights.membership m JOIN insights.segment s ON s.id = m.segment_id
     WHERE m.customer_id = ANY(%s) AND m.is_in AND {USABLE}
"""  # noqa: S608 - constants only

_STANDING = f"""
    SELECT s.id, s.key, s.name, m.since FROM insights.membership m JOIN insights.segment s ON s.id = m.segment_id
     WHERE m.customer_id = %s AND m.is_in AND {USABLE} ORDER BY s.key
"""  # noqa: S608 - constants only

_PAGE = """
    SELECT customer_id FROM insights.membership
     WHERE segment_id = %s AND slot = %s AND is_in AND (%s::uuid IS NULL OR customer_id > %s)
     ORDER BY customer_id LIMIT %s
"""

_LISTED = """
    SELECT slot, customer_id, since FROM insights.membership
     WHERE segment_id = %s AND is_in AND (slot, customer_id) > (%s, %s)
     ORDER BY slot, customer_id LIMIT %s
"""

_COUNT = "SELECT count(*) FROM insights.membership WHERE segment_id = %s AND is_in"

_KEPT = """
    SELECT customer_id, segment_id, is_in, revision, recheck_on FROM insights.membership WHERE customer_id = ANY(%s)
"""

_WRITE = """
    INSERT INTO insights.membership AS kept (customer_id, segment_id, is_in, revision, recheck_on, since)
    SELECT j.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::boolean[], %s::int[], %s::date[]) AS j
        ON CONFLICT (customer_id, segment_id) DO UPDATE
       SET is_in = excluded.is_in, revision = excluded.revision, recheck_on = excluded.recheck_on,
           since = CASE WHEN kept.is_in = excluded.is_in THEN kept.since ELSE excluded.since END
"""

# Who left and came back has been in only since then, though the row says the same.
_BACK = """
    UPDATE insights.membership m SET since = %s
      FROM unnest(%s::uuid[], %s::uuid[]) AS back (customer_id, segment_id)
     WHERE m.customer_id = back.customer_id AND m.segment_id = back.segment_id
"""
