"""Which days a play covers, and the UTC instants that bound them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.demo.source_files import NOVEMBER, TIME_ZONE, YEAR, Window

_ZONE = ZoneInfo(TIME_ZONE)


def of_days(days: int) -> Window:
    """The window of that many days: 365 are the year 2017; fewer begin on 1 November, or end with the year.

    shape   30 are November, 61 are November and December, 100 are the last hundred days of the year
    """
    if days >= (YEAR.last - YEAR.first).days + 1:
        return YEAR
    first = min(NOVEMBER.first, YEAR.last - timedelta(days=days - 1))
    return Window(first, first + timedelta(days=days - 1))


def bounds(window: Window) -> tuple[datetime, datetime]:
    """The UTC instants at which the window begins (included) and ends (excluded)."""
    return midnight(window.first), midnight(window.last + timedelta(days=1))


def title(window: Window) -> str:
    """ "November 2017", "the year 2017", or its first and last day."""
    known = {YEAR: "the year 2017", NOVEMBER: "November 2017"}
    return known.get(window, f"{window.first} to {window.last}")


def midnight(day: date) -> datetime:
    """The UTC instant at which a local day begins."""
    return datetime.combine(day, time(), _ZONE).astimezone(UTC)


def local_day(instant: datetime) -> date:
    """The day that an instant falls on in New York."""
    return instant.astimezone(_ZONE).date()


def utc(naive: datetime) -> datetime:
    """An instant of the files, which are UTC without saying so."""
    return naive.replace(tzinfo=UTC)
