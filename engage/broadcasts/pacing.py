"""Pacing: when the message to each member of a broadcast is to leave."""

from datetime import datetime, timedelta

from core.notes import Notes
from engage.broadcasts.models import PARTS, Broadcast, BroadcastPart
from engage.steps.clock import clock
from engage.steps.wait_until import WaitUntil


def due_at_of(
    broadcast: Broadcast, part: BroadcastPart, number: int, zone: str | None, *, now: datetime
) -> datetime | None:
    """When the message to a part's member of that number (from 0) is to leave; None: at once.

    units  per_minute over all parts: each member has a place in one queue, and those who get nothing leave theirs empty
    """
    begins = begins_at(broadcast, now=now)
    if broadcast.local_time is not None:
        return WaitUntil(at=clock(broadcast.local_time, Notes()), next=None).until(zone, now=max(begins, now))
    if broadcast.per_minute is None:
        return None
    return begins + timedelta(minutes=place_of(broadcast, part, number) / broadcast.per_minute)


def begins_at(broadcast: Broadcast, *, now: datetime) -> datetime:
    return max(broadcast.starts_at or now, broadcast.started_at or now)


def place_of(broadcast: Broadcast, part: BroadcastPart, number: int) -> int:
    """Members that the segment got since it was started come last, so that no two ever share a place."""
    if number < part.places:
        return part.first_place + number
    return (broadcast.expected or 0) + (number - part.places) * PARTS + part.slot
