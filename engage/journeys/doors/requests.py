"""Requests at doors as they are kept: each once for its door and reference, and what is announced of it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from core.events.announce import MAX_DEPTH
from engage.journeys.doors.events import EntryRequested
from engage.journeys.doors.models import EntryRequest

#: How long somebody who has not signed up yet is waited for.
WAITED_FOR = timedelta(days=30)


def reference_of(customer_id: UUID) -> str:
    """How a door knows a customer who came by themselves: once for ever."""
    return f"customer:{customer_id}"


def add(connection: Connection, requests: Sequence[EntryRequest]) -> set[UUID]:
    """The ids of those that did not stand already."""
    if not requests:
        return set()
    rows = connection.execute(
        _ADD,
        [
            [one.id for one in requests],
            [one.door_id for one in requests],
            [one.customer_id for one in requests],
            [one.phone_index for one in requests],
            [one.by_number for one in requests],
            [one.reference for one in requests],
            [one.requested_at for one in requests],
            [one.expires_at for one in requests],
            [one.used_at for one in requests],
        ],
    )
    return {row[0] for row in rows}


def fact(request: EntryRequest, slug: str, via: str, cause: LoggedEvent | None) -> EntryRequested:
    """What is announced once somebody came. cause: the event that let them in, if one did"""
    return EntryRequested(
        customer_id=request.customer_id,
        occurred_at=request.requested_at,
        caused_by=cause.id if cause else None,
        depth=deeper(cause),
        door_id=request.door_id,
        slug=slug,
        via=via,
        reference=request.reference,
    )


def deeper(cause: LoggedEvent | None) -> int:
    """How deep in its chain of events is what follows from a cause."""
    return min(cause.depth + 1, MAX_DEPTH) if cause else 0


# In one order, so that two of these cannot wait for each other.
_ADD = """
    INSERT INTO engage.entry_request
           (id, door_id, customer_id, phone_index, by_number, reference, requested_at, expires_at, used_at)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[], %s::boolean[], %s::text[],
                         %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
               AS r (id, door_id, customer_id, phone_index, by_number, reference, requested_at, expires_at, used_at)
     ORDER BY door_id, reference
        ON CONFLICT (door_id, reference) DO NOTHING
    RETURNING id
"""
