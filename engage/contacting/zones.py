"""Time zones of customers: their own where we know it, else the brand's."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wallet.assets import brand_time_zone


def of(name: str | None) -> ZoneInfo:
    """The zone of that name; the brand's where a customer has none, or one that this machine's list has lost."""
    return (_named(name) if name else None) or ZoneInfo(brand_time_zone())


def last_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a wall clock of that zone shows a (naive) time for the last time.

    A time that is left out when the clock is put forward counts as so much after the gap as it stands in it.
    """
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


@lru_cache(maxsize=1_024)
def _named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
