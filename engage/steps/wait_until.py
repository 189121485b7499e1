"""wait_until: stand still until an hour or a day, on the customer's clock or the brand's.

{"kind": "wait_until", "local_time": "09:00", "next": "tell"}                    the next nine o'clock
{"kind": "wait_until", "local_time": "09:00", "days": 2, "in": "brand", "next": "tell"}   in two days at nine
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.notes import Notes
from engage.steps.base import Branch, Go, Move, Pause, Run, Where
from engage.steps.clock import clock, zone_of
from engage.steps.numbers import whole

#: The step with which a journey by date begins when it names an hour; no step that is drawn may begin so.
AT_ENTRY = "@entry"

MOST_DAYS = 400

_MEMBERS = frozenset(("kind", "local_time", "days", "in", "next"))


@dataclass(frozen=True)
class WaitUntil:
    """days: on which day from now; 0: the next time the hour strikes

    is_same_day  where the hour has struck today, go on rather than wait for tomorrow's
    """

    at: time
    next: Branch
    days: int = 0
    is_brands: bool = False
    is_same_day: bool = False
    kind: str = "wait_until"
    gives_voucher_on: str | None = None
    needs_voucher: str | None = None
    pauses: bool = True

    @property
    def on_timeout(self) -> Branch:
        return self.next

    @property
    def branches(self) -> dict[str, Branch]:
        return {"on_timeout": self.next}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        until = self.until(None if self.is_brands else where.zone, now=now)
        if until <= now:
            run.because("already", "The hour had struck.")
            return Go(self.next)
        run.outcome = "waiting"
        return Pause(until, None)

    def until(self, zone: str | None, *, now: datetime) -> datetime:
        """When it ends, in UTC. An hour that a clock change leaves out ends it an hour later by that clock."""
        here = zone_of(zone)
        today = now.astimezone(here)
        until = _at(today, self.days, self.at, here)
        if self.days == 0 and until <= now and not self.is_same_day:
            until = _at(today, 1, self.at, here)
        return until


def parse_wait_until(raw: dict[str, Any], notes: Notes) -> WaitUntil:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("local_time",)))
    whose = raw.get("in", "customer")
    if whose not in ("customer", "brand"):
        notes.at("in").say("Whose clock it is: “customer” or “brand”.")
    return WaitUntil(
        at=clock(raw["local_time"], notes.at("local_time")) if "local_time" in raw else time(),
        next=raw.get("next"),
        days=whole(raw.get("days", 0), notes.at("days"), least=0, most=MOST_DAYS, what="a whole number of days"),
        is_brands=whose == "brand",
    )


def _at(today: datetime, days: int, at: time, zone: ZoneInfo) -> datetime:
    # By the calendar and not by 24 hours, which miss the hour by one where the clocks change.
    day = today.date() + timedelta(days=days)
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
