"""When an event from outside happened, by a device's clock that may be wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

#: A corrected instant further back than this is a broken clock, not history that somebody imports.
OLDEST = timedelta(days=3653)


def read(value: Any) -> datetime | None:
    """An ISO 8601 instant in UTC (a naive one is taken as UTC), or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        if instant.tzinfo is UTC:
            return instant
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def corrected(timestamp: Any, *, sent_at: datetime | None, received_at: datetime) -> datetime:
    """The instant of `timestamp` on our clock: the device's clock is off by `received_at - sent_at`.

    Device 10:00 for an event, 10:05 as it sent, 11:05 here as it came: it happened at 11:00. Without a `sentAt` the
    timestamp stands as it is. What then lies in the future, or more than ten years back, happened as it came.
    source   Segment's spec, "Timestamps": timestamp = receivedAt - (sentAt - originalTimestamp)
    """
    happened = read(timestamp)
    if happened is None:
        return received_at
    if sent_at is not None:
        try:
            happened += received_at - sent_at
        except OverflowError:
            return received_at
    return happened if received_at - OLDEST <= happened <= received_at else received_at
