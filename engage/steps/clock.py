"""Times of day, as staff write them, and whose clock they are of."""

import re
from datetime import time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.notes import Notes
from wallet.assets import brand_time_zone

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


def clock(raw: Any, notes: Notes) -> time:
    """ "09:00" """
    matched = _CLOCK.match(raw) if isinstance(raw, str) else None
    if matched is None:
        notes.say("Must be a time of day, such as “09:00”.")
        return time()
    return time(int(matched[1]), int(matched[2]))


def zone_of(name: str | None) -> ZoneInfo:
    """The zone of that name; the brand's where there is none, or where an app once sent one that does not exist."""
    return _zone(name or brand_time_zone()) or ZoneInfo(brand_time_zone())


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
