"""Habits: at which hours a customer is there, so that what can wait is sent when they look."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db import Connection
from core.events import LoggedEvent

#: The customer holds the phone in their hand.
THERE = frozenset({"app.opened", "outside.screen", "outside.page", "link.clicked", "message.opened", "product.viewed"})

#: Of fewer sightings no habit can be told.
_FEWEST = 5


def keep(connection: Connection, events: Sequence[LoggedEvent]) -> None:
    """Count the hours (UTC) of a batch in which customers were there."""
    seen = Counter(
        (event.customer_id, event.occurred_at.astimezone(UTC).hour)
        for event in events
        if event.customer_id is not None and event.name in THERE
    )
    if seen:
        keys = sorted(seen)
        connection.execute(_ADD, [[key[0] for key in keys], [key[1] for key in keys], [seen[key] for key in keys]])


def hours(
    connection: Connection, customer_ids: Collection[UUID], zones: Mapping[UUID, ZoneInfo], *, now: datetime
) -> dict[UUID, int]:
    """By customer, the hour of their own day (0 to 23) around which they are most often there.

    Customers of whom too little is known are left out. An hour counts with half of each of its neighbours, so that
    somebody who comes at ten to nine and at ten past nine has one habit. Of equals the earliest.
    """
    counted: dict[UUID, list[int]] = {}
    for customer_id, hour, count in connection.execute(_READ, [list(customer_ids)]) if customer_ids else ():
        counted.setdefault(customer_id, [0] * 24)[hour] = count
    found = {}
    for customer_id, by_hour in counted.items():
        if sum(by_hour) >= _FEWEST and customer_id in zones:
            offset = now.astimezone(zones[customer_id]).utcoffset()
            shift = round(offset.total_seconds() / 3600) if offset else 0
            local = [by_hour[(hour - shift) % 24] for hour in range(24)]
            weight = [2 * local[hour] + local[hour - 1] + local[(hour + 1) % 24] for hour in range(24)]
            found[customer_id] = weight.index(max(weight))
    return found


_ADD = """
    INSERT INTO insights.habit AS kept (customer_id, hour, count)
    SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::bigint[])
        ON CONFLICT (customer_id, hour) DO UPDATE SET count = kept.count + excluded.count
"""

_READ = "SELECT customer_id, hour, count FROM insights.habit WHERE customer_id = ANY(%s)"
