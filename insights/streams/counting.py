"""Counting a batch of the log: a row a customer, stream and day, written with one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db import Connection
from core.events import LoggedEvent
from insights.streams import catalogue
from insights.streams.catalogue import Known
from insights.streams.stream import amount_at
from wallet.assets import brand_time_zone


@dataclass(slots=True)
class Tally:
    first_at: datetime
    last_at: datetime
    count: int = 0
    total: Decimal = Decimal(0)


#: By (customer, stream, day).
Tallies = dict[tuple[UUID, int, date], Tally]


def count(connection: Connection, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Count what the batch tells of customers; each event reaches its customer's slot exactly once."""
    known = catalogue.with_names_of(connection, events, now)
    zone, tallies = ZoneInfo(brand_time_zone()), Tallies()
    for event in events:
        if event.customer_id is not None:
            for stream in known.of_event(event):
                tally(tallies, event.customer_id, stream, event, zone)
    store(connection, tallies)


def tally(tallies: Tallies, customer_id: UUID, known: Known, event: LoggedEvent, zone: ZoneInfo) -> None:
    """Add one event to what was counted of a stream."""
    at = event.occurred_at
    key = (customer_id, known.id, at.astimezone(zone).date())
    found = tallies.get(key)
    if found is None:
        found = tallies[key] = Tally(at, at)
    found.first_at, found.last_at = min(found.first_at, at), max(found.last_at, at)
    found.count += 1
    if known.stream.field:
        found.total += amount_at(event.payload, known.stream.field)


def store(connection: Connection, tallies: Tallies) -> None:
    """Add to what is kept."""
    if not tallies:
        return
    keys = sorted(tallies)
    rows = [tallies[key] for key in keys]
    columns: list[list[Any]] = [
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
        [row.first_at for row in rows],
        [row.last_at for row in rows],
        [row.count for row in rows],
        [row.total for row in rows],
    ]
    connection.execute(_ADD, columns)


_ADD = """
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(%s::uuid[], %s::int[], %s::date[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
                             %s::numeric[]) AS t (customer_id, stream_id, day, first_at, last_at, count, total)
    ), ever AS (
        INSERT INTO insights.activity AS kept (customer_id, stream_id, first_at, last_at, count, total)
        SELECT customer_id, stream_id, min(first_at), max(last_at), sum(count), sum(total)
          FROM told GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (customer_id, stream_id) DO UPDATE
           SET first_at = least(kept.first_at, excluded.first_at), last_at = greatest(kept.last_at, excluded.last_at),
               count = kept.count + excluded.count, total = kept.total + excluded.total)
    INSERT INTO insights.activity_day AS kept (stream_id, day, customer_id, count, total)
    SELECT stream_id, day, customer_id, count, total FROM told
        ON CONFLICT (stream_id, day, customer_id) DO UPDATE
       SET count = kept.count + excluded.count, total = kept.total + excluded.total
"""
