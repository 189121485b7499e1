"""What was known of a customer at a moment of the past, told from the events before it and not from today's counts.

Orders and whatever streams count are as they were then; traits, balances, vouchers, segments and the phase are
today's, which the report says.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.events import LoggedEvent
from insights.segments.facts import Counted, Day, Ever, Facts, Need
from insights.streams import Stream
from insights.streams.stream import Matches, amount_at

_ORDER = "order.completed"


class Memory:
    """What must be remembered for a journey. needs: what its audience and branches ask for"""

    def __init__(self, needs: Collection[Need]) -> None:
        self.needs = needs
        counted = [need for need in needs if isinstance(need, Counted)]
        self.matchers: dict[Stream, Matches | None] = {need.stream: need.stream.matcher() for need in counted}
        self.knows_profile = "profile" in needs
        self._days = max([need.days or 0 for need in counted], default=0)
        self._from_the_first = self.knows_profile or any(need.days is None for need in counted)
        #: What is not remembered is asked of today.
        self.is_of_today = any(not isinstance(need, Counted) for need in needs)

    @property
    def names(self) -> set[str]:
        """The events that must be seen to remember."""
        return {stream.event for stream in self.matchers} | ({_ORDER} if self.knows_profile else set())

    def since(self, begin: datetime, *, first: datetime) -> datetime:
        """From when on events must be seen, to know what came before `begin`; `first`: before the log's first one."""
        return min(first, begin) if self._from_the_first else begin - timedelta(days=self._days)


class Past:
    """One customer's, counted as it happens. today: what is known of them now"""

    def __init__(self, memory: Memory, today: Facts) -> None:
        self._memory, self._today = memory, today
        self._ever: dict[Stream, Ever] = {}
        self._days: dict[Stream, dict[date, Day]] = {}
        self._orders = 0
        self._last: datetime | None = None

    def see(self, event: LoggedEvent) -> None:
        self._last = event.occurred_at
        self._orders += event.name == _ORDER
        for stream, matches in self._memory.matchers.items():
            if _is_of(stream, matches, event):
                total = amount_at(event.payload, stream.field) if stream.field else Decimal(0)
                self._count(stream, event.occurred_at, total)

    def facts(self, *, now: datetime) -> Facts:
        """What was known at `now`."""
        days = {stream: list(by_day.values()) for stream, by_day in self._days.items()}
        known = replace(self._today, now=now, ever=dict(self._ever), days=days)
        if self._memory.knows_profile and known.profile is not None:
            seen = self._last or known.profile.first_seen_at
            known.profile = known.profile._replace(orders=self._orders, last_seen_at=seen)
        return known

    def _count(self, stream: Stream, at: datetime, total: Decimal) -> None:
        ever = self._ever.get(stream, Ever(at, at, 0, Decimal(0)))
        self._ever[stream] = Ever(ever.first_at, at, ever.count + 1, ever.total + total)
        day = at.astimezone(self._today.zone).date()
        by_day = self._days.setdefault(stream, {})
        before = by_day.get(day, Day(day, 0, Decimal(0)))
        by_day[day] = Day(day, before.count + 1, before.total + total)


def _is_of(stream: Stream, matches: Matches | None, event: LoggedEvent) -> bool:
    return stream.is_name_of(event) and (matches is None or matches(event.payload))
