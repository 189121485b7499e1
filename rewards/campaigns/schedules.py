"""Schedules: the hours of the week at which a campaign's coupons can be used, by the clock on the brand's wall.

    {"weekly": [{"days": ["mon", "fri"], "from": "17:00", "to": "19:00"}], "except": ["2026-12-25"]}

`to` is not included, "24:00" is the end of the day. Hours whose `to` is before their `from` go on past midnight, and
belong to the day on which they began, also for `except`. An hour that daylight saving skips never comes; one that it
repeats is open twice. Outside its hours a campaign still gives vouchers.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.notes import Notes
from rewards.campaigns.errors import CampaignClosedNow
from rewards.terms import Terms
from wallet.assets import brand_time_zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MOST_HOURS = 50
_MOST_DATES = 400
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def is_open(schedule: dict[str, Any] | None, at: datetime) -> bool:
    """Whether a campaign with this schedule (None: always) can be used at that moment."""
    if schedule is None:
        return True
    local = at.astimezone(ZoneInfo(brand_time_zone()))
    clock, today = local.strftime("%H:%M"), local.date()
    return any(_is_within(hours, clock, today, schedule.get("except", ())) for hours in schedule["weekly"])


def check(terms: Terms, at: datetime) -> None:
    """raises  CampaignClosedNow outside the hours of the campaign's schedule"""
    if not is_open(terms.schedule, at):
        raise CampaignClosedNow


def parse(raw: Any, notes: Notes) -> None:
    """Note what is wrong with a schedule that somebody wrote."""
    given = notes.object_(raw, allowed=frozenset({"weekly", "except"}), required=frozenset({"weekly"}))
    if "weekly" in given:
        weekly = _list(given["weekly"], notes.at("weekly"), least=1, most=_MOST_HOURS, of="hours")
        for number, each in enumerate(weekly):
            _check_hours(each, notes.at("weekly").at(number))
    if "except" in given:
        dates = _list(given["except"], notes.at("except"), least=0, most=_MOST_DATES, of="dates")
        for number, each in enumerate(dates):
            if not _is_date(each):
                notes.at("except").at(number).say("Must be a date of the calendar, such as 2026-12-25.")


def _is_within(hours: dict[str, Any], clock: str, today: date, closed: Sequence[str]) -> bool:
    """Clocks are compared as text: all have two digits, a colon and two digits."""
    opens, closes = hours["from"], hours["to"]
    if opens < closes:
        return opens <= clock < closes and _begins_on(hours, today, closed)
    began_yesterday = clock < closes and _begins_on(hours, today - timedelta(days=1), closed)
    return began_yesterday or (clock >= opens and _begins_on(hours, today, closed))


def _begins_on(hours: dict[str, Any], day: date, closed: Sequence[str]) -> bool:
    return DAYS[day.weekday()] in hours["days"] and day.isoformat() not in closed


def _check_hours(raw: Any, notes: Notes) -> None:
    members = frozenset({"days", "from", "to"})
    given = notes.object_(raw, allowed=members, required=members)
    if "days" in given:
        for number, day in enumerate(_list(given["days"], notes.at("days"), least=1, most=len(DAYS), of="days")):
            if day not in DAYS:
                notes.at("days").at(number).say(f"Must be one of {', '.join(DAYS)}.")
    clocks = [_clock(given[name], notes.at(name), is_end=name == "to") for name in ("from", "to") if name in given]
    if len(clocks) == 2 and None not in clocks and clocks[0] == clocks[1]:
        notes.at("to").say("Must differ from “from”. For a whole day write from 00:00 to 24:00.")


def _clock(raw: Any, notes: Notes, *, is_end: bool) -> str | None:
    if isinstance(raw, str) and (_CLOCK.fullmatch(raw) or (is_end and raw == "24:00")):
        return raw
    notes.say("Must be a time of the day, such as 09:00 or 17:30.")
    return None


def _list(raw: Any, notes: Notes, *, least: int, most: int, of: str) -> list[Any]:
    if isinstance(raw, list) and least <= len(raw) <= most:
        return raw
    notes.say(f"Must be a list of {least} to {most} {of}.")
    return []


def _is_date(raw: Any) -> bool:
    try:
        return isinstance(raw, str) and date.fromisoformat(raw).isoformat() == raw
    except ValueError:
        return False
