"""Who is in which segment: read by rules, journeys and broadcasts, and written by whoever has judged.

Whoever writes holds the offset of the insights reader for the customer's slot, so no two judge a customer at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.db import Connection
from core.events import Event, LoggedEvent
from core.events.announce import MAX_DEPTH, append
from insights.segments.events import SegmentEntered, SegmentLeft


@dataclass(frozen=True, slots=True)
class Judged:
    """What a customer was found to be, by which revision of a segment. cause: the event that it was looked at for"""

    customer_id: UUID
    segment_id: UUID
    key: str
    revision: int
    is_in: bool
    recheck_on: date | None
    is_rebuild: bool = False
    cause: LoggedEvent | None = None


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


def settle(connection: Connection, judged: Sequence[Judged], now: datetime) -> int:
    """Keep what was found, and announce who entered and who left; returns how many did."""
    if not judged:
        return 0
    customers, segments = sorted({each.customer_id for each in judged}), sorted({each.segment_id for each in judged})
    kept = {(row[0], row[1]): row[2:] for row in connection.execute(_KEPT, [customers, segments])}
    writes: list[Judged] = []
    moved: list[Judged] = []
    for each in judged:
        was = kept.get((each.customer_id, each.segment_id))
        if each.is_in != bool(was and was[0]):
            moved.append(each)
            writes.append(each)
        # Of whom was never in, a row is needed only where time alone may bring them in.
        elif (was[1:] != (each.revision, each.recheck_on)) if was else each.recheck_on is not None:
            writes.append(each)
    _write(connection, writes, now)
    events = [event for event in (_event(each, now) for each in moved) if event.depth <= MAX_DEPTH]
    if events:
        append(connection, events)
    return len(moved)


def _write(connection: Connection, writes: Sequence[Judged], now: datetime) -> None:
    if writes:
        ordered = sorted(writes, key=lambda each: (each.customer_id, each.segment_id))
        columns: list[Any] = [
            [each.customer_id for each in ordered],
            [each.segment_id for each in ordered],
            [each.is_in for each in ordered],
            [each.revision for each in ordered],
            [each.recheck_on for each in ordered],
        ]
        connection.execute(_WRITE, [now, *columns])


def _event(judged: Judged, now: datetime) -> Event:
    """A chain of causes that goes in a ring ends here: past MAX_DEPTH it is kept, but no longer announced."""
    kind = SegmentEntered if judged.is_in else SegmentLeft
    cause = judged.cause
    return kind(
        customer_id=judged.customer_id,
        occurred_at=now,
        caused_by=cause.id if cause else None,
        depth=cause.depth + 1 if cause else 0,
        trace=cause.trace if cause else None,
        segment_id=judged.segment_id,
        key=judged.key,
        revision=judged.revision,
        is_rebuild=judged.is_rebuild,
    )


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
    SELECT customer_id, segment_id, is_in, revision, recheck_on FROM insights.membership
     WHERE customer_id = ANY(%s) AND segment_id = ANY(%s)
"""

_WRITE = """
    INSERT INTO insights.membership AS kept (customer_id, segment_id, is_in, revision, recheck_on, since)
    SELECT j.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::boolean[], %s::int[], %s::date[]) AS j
        ON CONFLICT (customer_id, segment_id) DO UPDATE
       SET is_in = excluded.is_in, revision = excluded.revision, recheck_on = excluded.recheck_on,
           since = CASE WHEN kept.is_in = excluded.is_in THEN kept.since ELSE excluded.since END
"""
