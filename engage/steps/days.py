"""Days that stand in traits: one day, or the same day of each year."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

#: Further off than anybody waits for, and far from where dates end.
_YEARS = range(1900, 2200)

_DAY = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})\Z")


@dataclass(frozen=True, slots=True)
class Day:
    """year: None for the same day of each year"""

    year: int | None
    month: int
    day: int


def day_in(text: Any) -> Day | None:
    """The day that a trait holds, "2027-03-01" or "03-01"; None for anything else."""
    matched = _DAY.match(text) if isinstance(text, str) else None
    if matched is None:
        return None
    year = int(matched[1]) if matched[1] else None
    if year is not None and year not in _YEARS:
        return None
    found = Day(year, int(matched[2]), int(matched[3]))
    try:
        date(year if year is not None else 2000, found.month, found.day)
    except ValueError:
        return None
    return found


def next_day(of: Day, since: date) -> date:
    """The day itself, however long ago; of each year's, the next one from `since` on (29 February: else the 28th)."""
    if of.year is not None:
        return date(of.year, of.month, of.day)
    this = _in_year(of, since.year)
    return this if this >= since else _in_year(of, since.year + 1)


def _in_year(of: Day, year: int) -> date:
    try:
        return date(year, of.month, of.day)
    except ValueError:
        return date(year, of.month, of.day - 1)
