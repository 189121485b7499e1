"""Counting a condition before it is saved: exactly where what it asks is counted already, else by a sample."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, sqrt
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import LoggedEvent
from core.events.log import SLOTS
from insights.segments.errors import SegmentTooCostly
from insights.segments.facts import Day, Ever, Facts
from insights.segments.loading import load
from insights.segments.parsing import Condition
from insights.segments.sql import Query
from insights.streams import Stream, catalogue
from insights.streams.catalogue import Known
from insights.streams.counting import Tallies, tally
from wallet.assets import brand_time_zone

#: A person waits for the answer.
_LONGEST_SECONDS = 8.0

#: The sample: customers whose slot is one of these, as many as can be judged in the time.
_SAMPLED_SLOTS = (7, 23, 39, 55)
_PAGE, _EVENTS_A_PAGE = 1_000, 5_000

#: Of both ends together one in twenty samples would miss (Wilson's interval).
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of how many customers meet a condition. Exact, or between low and high by a sample of so many."""

    members: int
    customers: int
    is_exact: bool
    low: int
    high: int
    sampled: int


def count(session: Session, condition: Condition, now: datetime) -> Counts:
    """Count those who meet a condition. Nothing is kept.

    raises  SegmentTooCostly
    """
    connection = connection_of(session)
    known = catalogue.ids_of(connection, condition.streams)
    # What nobody has done yet and what is counted by itself needs no filling: it is 0.
    missing = [
        stream
        for stream in condition.streams
        if not (stream in known and known[stream][1]) and (stream in known or not stream.is_plain)
    ]
    try:
        # For a sum of a million customers' days; what is sorted or hashed beyond it goes to disk.
        connection.execute(f"SET LOCAL statement_timeout = '{int(_LONGEST_SECONDS)}s'; SET LOCAL work_mem = '64MB'")
        if missing:
            return _sample(connection, condition, missing, now)
        return _count(connection, condition, {stream: id_ for stream, (id_, _) in known.items()}, now)
    except psycopg.errors.QueryCanceled as error:
        raise SegmentTooCostly from error


def _count(connection: Connection, condition: Condition, ids: dict[Stream, int], now: datetime) -> Counts:
    zone = brand_time_zone()
    query = Query(ids, zone, now.astimezone(ZoneInfo(zone)).date())
    text = query.count(condition.sql(query))
    row = connection.execute(text.encode(), query.values).fetchone() or (0, 0)
    return Counts(row[0], row[1], True, row[0], row[0], row[1])


def _sample(connection: Connection, condition: Condition, missing: Sequence[Stream], now: datetime) -> Counts:
    """Judge the customers of some slots, for whom the missing streams are counted out of the log.

    raises  SegmentTooCostly where not even one slot was done in time
    """
    row = connection.execute("SELECT count(*) FROM insights.profile").fetchone()
    everybody = int(row[0]) if row else 0
    begun, members, sampled = monotonic(), 0, 0
    for done, slot in enumerate(_SAMPLED_SLOTS):
        # A slot takes as long as the one before: half of the time may be gone when it begins.
        if done and monotonic() - begun > _LONGEST_SECONDS / 2:
            break
        counted = _counted(connection, slot, missing, now, until=begun + _LONGEST_SECONDS)
        for facts in _people(connection, slot, condition, now):
            for stream in missing:
                facts.ever.pop(stream, None)
                facts.days.pop(stream, None)
                _put(facts, stream, counted.get((facts.customer_id, stream), []))
            members += condition.holds(facts)
            sampled += 1
        if monotonic() - begun > _LONGEST_SECONDS:
            raise SegmentTooCostly
    return _estimated(members, sampled, everybody)


def _estimated(members: int, sampled: int, everybody: int) -> Counts:
    if sampled == 0 or sampled >= everybody:
        return Counts(members, everybody, sampled >= everybody, members, everybody if not sampled else members, sampled)
    share, square = members / sampled, _Z * _Z
    middle = (share + square / (2 * sampled)) / (1 + square / sampled)
    half = _Z * sqrt(share * (1 - share) / sampled + square / (4 * sampled**2)) / (1 + square / sampled)
    low, high = max(middle - half, 0.0) * everybody, min(middle + half, 1.0) * everybody
    return Counts(
        round(share * everybody), everybody, False, max(floor(low), members), min(ceil(high), everybody), sampled
    )


def _people(connection: Connection, slot: int, condition: Condition, now: datetime) -> Sequence[Facts]:
    found: list[Facts] = []
    after: UUID | None = None
    while True:
        page = [row[0] for row in connection.execute(_CUSTOMERS, [slot, after, after, _PAGE])]
        found += load(connection, condition.needs, page, now).values()
        if len(page) < _PAGE:
            return found
        after = page[-1]


def _counted(
    connection: Connection, slot: int, missing: Sequence[Stream], now: datetime, *, until: float
) -> dict[tuple[UUID, Stream], list[tuple[Day, Ever]]]:
    """What the log of a slot holds of these streams, by customer and day."""
    streams = [Known(place, stream, SLOTS, stream.matcher()) for place, stream in enumerate(missing)]
    zone, tallies = ZoneInfo(brand_time_zone()), Tallies()
    names = sorted({stream.event for stream in missing})
    position = (0, "0", 0)
    while True:
        rows = connection.execute(_EVENTS, [slot, *position, _EVENTS_A_PAGE, names]).fetchall()
        for row in rows:
            if row[0] is None or row[6] is None:
                continue
            event = LoggedEvent(row[0], row[1], int(row[2]), *row[3:])
            for known in streams:
                if _is_of(event, known):
                    tally(tallies, row[6], known, event, zone)
        if len(rows) < _EVENTS_A_PAGE:
            break
        if monotonic() > until:
            raise SegmentTooCostly
        position = (rows[-1][1], rows[-1][2], rows[-1][3])
    found: dict[tuple[UUID, Stream], list[tuple[Day, Ever]]] = defaultdict(list)
    for (customer_id, place, day), each in sorted(tallies.items(), key=lambda item: item[0]):
        told = Day(day, each.count, each.total), Ever(each.first_at, each.last_at, each.count, each.total)
        found[customer_id, missing[place]].append(told)
    return found


def _is_of(event: LoggedEvent, known: Known) -> bool:
    return known.stream.is_name_of(event) and (known.matches is None or known.matches(event.payload))


def _put(facts: Facts, stream: Stream, counted: Sequence[tuple[Day, Ever]]) -> None:
    if counted:
        facts.days[stream] = [day for day, _ in counted]
        facts.ever[stream] = Ever(
            min(ever.first_at for _, ever in counted),
            max(ever.last_at for _, ever in counted),
            sum(day.count for day, _ in counted),
            sum((day.total for day, _ in counted), start=counted[0][0].total * 0),
        )


_CUSTOMERS = """
    SELECT customer_id FROM insights.profile
     WHERE core.slot_of(customer_id, NULL) = %s AND (%s::uuid IS NULL OR customer_id > %s)
     ORDER BY customer_id LIMIT %s
"""

_EVENTS = """
    SELECT w.id, e.epoch, e.xid::text, e.seq, e.slot, w.name, w.customer_id, w.subject_id, w.occurred_at,
           w.recorded_at, w.source, w.caused_by, w.depth, w.trace, w.payload
      FROM (SELECT e.* FROM core.event e
             WHERE e.slot = %s AND (e.epoch, e.xid, e.seq) > (%s, %s::xid8, %s)
             ORDER BY e.epoch, e.xid, e.seq LIMIT %s) e
      LEFT JOIN LATERAL (SELECT e.* WHERE e.name = ANY(%s)) w ON true
     ORDER BY e.epoch, e.xid, e.seq
"""
