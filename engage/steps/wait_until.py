"""wait_until: stand still until an hour or a day, on the customer's clock or the brand's.

    {"kind": "wait_until", "local_time": "09:00", "next": "tell"}                              the next nine o'clock
    {"kind": "wait_until", "local_time": "09:00", "days": 2, "in": "brand", "next": "tell"}    in two days at nine
    {"kind": "wait_until", "date_of": "renewal", "days": -3, "local_time": "09:00", "next": "tell"}
                                                           three days before the day that stands in the trait "renewal"

A trait's day is "2027-03-01", or "03-01" for each year's; "on_missing" is where those go who have none (else "next"),
"on_past" where those go whose day is over (else the journey ends for them: “in three days” would be untrue). On the day
itself it goes on at once where the hour has struck.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.notes import Notes
from engage.steps.base import AskFacts, Branch, Go, Move, Pause, Run, Where
from engage.steps.clock import clock, zone_of
from engage.steps.days import day_in, next_day
from engage.steps.numbers import whole
from insights.segments.facts import Trait

#: The step with which a journey by date begins when it names an hour; no step that is drawn may begin so.
AT_ENTRY = "@entry"

MOST_DAYS, MOST_DAYS_BEFORE = 400, 60

_MEMBERS = frozenset(("kind", "local_time", "days", "in", "next"))
_OF_DATE = _MEMBERS | {"date_of", "on_missing", "on_past"}


@dataclass(frozen=True)
class WaitUntil:
    """days: on which day from now (0: the next time the hour strikes), or from the day of `date_of`

    is_same_day  where the hour has struck today, go on rather than wait for tomorrow's
    on_missing   where those go who have no such trait
    on_past      where those go whose day is over
    """

    at: time
    next: Branch
    days: int = 0
    is_brands: bool = False
    is_same_day: bool = False
    date_of: str | None = None
    on_missing: Branch = None
    on_past: Branch = None
    kind: str = "wait_until"
    gives_voucher_on: str | None = None
    needs_voucher: str | None = None
    pauses: bool = True

    @property
    def on_timeout(self) -> Branch:
        return self.next

    @property
    def branches(self) -> dict[str, Branch]:
        of_date = {"on_missing": self.on_missing, "on_past": self.on_past} if self.date_of else {}
        return {"on_timeout": self.next, **of_date}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        zone = None if self.is_brands else where.zone
        if self.date_of is None:
            return self._paused(run, self.until(zone, now=now), now=now)
        if where.facts is None:
            return AskFacts(frozenset([Trait(self.date_of)]))
        day = day_in(where.facts.traits.get(self.date_of))
        if day is None:
            run.because("no_date", f"Nothing that is a day stands in “{self.date_of}”.")
            return Go(self.on_missing)
        here = zone_of(zone)
        today = now.astimezone(here).date()
        wanted = next_day(day, today - timedelta(days=self.days)) + timedelta(days=self.days)
        if wanted < today:
            run.because("past", f"The day was over already: {wanted.isoformat()}.")
            return Go(self.on_past)
        return self._paused(run, _at(wanted, self.at, here), now=now)

    def until(self, zone: str | None, *, now: datetime) -> datetime:
        """When the hour strikes, in UTC. One that a clock change leaves out strikes an hour later by that clock."""
        here = zone_of(zone)
        today = now.astimezone(here).date()
        until = _at(today + timedelta(days=self.days), self.at, here)
        if self.days == 0 and until <= now and not self.is_same_day:
            until = _at(today + timedelta(days=1), self.at, here)
        return until

    def _paused(self, run: Run, until: datetime, *, now: datetime) -> Move:
        if until <= now:
            run.because("already", "The time had come already.")
            return Go(self.next)
        run.outcome = "waiting"
        return Pause(until, None)


def parse_wait_until(raw: dict[str, Any], notes: Notes) -> WaitUntil:
    is_of_date = "date_of" in raw
    notes.object_(raw, allowed=_OF_DATE if is_of_date else _MEMBERS, required=frozenset(("local_time",)))
    whose = raw.get("in", "customer")
    if whose not in ("customer", "brand"):
        notes.at("in").say("Whose clock it is: “customer” or “brand”.")
    trait = notes.at("date_of").text(raw["date_of"], longest=100) if is_of_date else None
    if trait == "birthday":
        notes.at("date_of").say("A birthday is sealed and no trait: let a journey begin by it ({“date”: “birthday”}).")
    return WaitUntil(
        at=clock(raw["local_time"], notes.at("local_time")) if "local_time" in raw else time(),
        next=raw.get("next"),
        days=whole(
            raw.get("days", 0),
            notes.at("days"),
            least=-MOST_DAYS_BEFORE if is_of_date else 0,
            most=MOST_DAYS,
            what="a whole number of days",
        ),
        is_brands=whose == "brand",
        date_of=trait,
        on_missing=raw.get("on_missing", raw.get("next")) if is_of_date else None,
        on_past=raw.get("on_past") if is_of_date else None,
    )


def _at(day: date, at: time, zone: ZoneInfo) -> datetime:
    # By the calendar and not by 24 hours, which miss the hour by one where the clocks change.
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
