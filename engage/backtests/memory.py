"""What was known of a customer at a moment of the past, told from the events before it and not from today's counts.

Orders and whatever streams count are as they were then; traits, balances, vouchers, segments and the phase are
today's, which the report says.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.events import LoggedEvent
from insights.segments.facts import Counted, Day, Ever, Facts, Need
from insights.streams import Stream
from insights.streams.stream import Matches, amount_at

_ORDER = "order.completed"


class Memory:
    """needs: what audiences and branches ask for"""

    def __init__(self, needs: Collection[Need]) -> None:
        self.needs = needs
        counted = [need for need in needs if isinstance(need, Counted)]
        self._matchers: dict[Stream, Matches | None] = {need.stream: need.stream.matcher() for need in counted}
        self._knows_profile = "profile" in needs
        self._days = max([need.days or 0 for need in counted], default=0)
        self._from_the_first = self._knows_profile or any(need.days is None for need in counted)
        #: What is not remembered is asked of today.
        self.is_of_today = any(not isinstance(need, Counted) for need in needs)

    @property
    def names(self) -> set[str]:
        """The events that must be seen to remember."""
        return {stream.event for stream in self._matchers} | ({_ORDER} if self._knows_profile else set())

    def since(self, begin: datetime, *, first: datetime) -> datetime:
        """From when on events must be seen, to know what came before `begin`; `first`: before the log's first one."""
        return min(first, begin) if self._from_the_first else begin - timedelta(days=self._days)

    def facts(self, today: Facts, events: Sequence[LoggedEvent], *, now: datetime) -> Facts:
        """What was known at `now`, once these events had happened. today: what is known now"""
        known = replace(today, now=now, ever={}, days={}, traits=dict(today.traits))
        for stream, matches in self._matchers.items():
            mine = [event for event in events if _is_of(stream, matches, event)]
            if mine:
                totals = [amount_at(event.payload, stream.field) if stream.field else Decimal(0) for event in mine]
                known.ever[stream] = Ever(mine[0].occurred_at, mine[-1].occurred_at, len(mine), sum(totals, Decimal(0)))
                known.days[stream] = _by_day(known, mine, totals)
        if self._knows_profile and known.profile is not None:
            orders = sum(event.name == _ORDER for event in events)
            seen = [event.occurred_at for event in events]
            known.profile = known.profile._replace(
                orders=orders, last_seen_at=max(seen, default=known.profile.first_seen_at)
            )
        return known


def _is_of(stream: Stream, matches: Matches | None, event: LoggedEvent) -> bool:
    if event.name != stream.event or (stream.named and event.payload.get("event") != stream.named):
        return False
    return matches is None or matches(event.payload)


def _by_day(known: Facts, events: Sequence[LoggedEvent], totals: Sequence[Decimal]) -> list[Day]:
    days: dict[date, Day] = {}
    for event, total in zip(events, totals, strict=True):
        day = event.occurred_at.astimezone(known.zone).date()
        before = days.get(day, Day(day, 0, Decimal(0)))
        days[day] = Day(day, before.count + 1, before.total + total)
    return list(days.values())
