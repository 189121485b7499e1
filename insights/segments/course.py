"""The course of a batch: what was known of a customer after each of its events, and not only after the last.

Segments are judged once a batch, by what stands in the tables then. Whom two of its events may move is judged after
the earlier one as well, here, by what stood before the batch and what its events add: so who enters and leaves is told
both, however far the reader is behind. Balances, vouchers and languages are always those of now.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from insights.identities import claims
from insights.profiles import Kept, sightings
from insights.profiles.keeping import sighted
from insights.profiles.sightings import Report, Sighting, Sightings
from insights.segments.catalogue import Catalogue, Followed, is_ours
from insights.segments.facts import Column, Counted, Day, Ever, Facts, Known, Need, Trait
from insights.segments.loading import load
from insights.streams import Stream
from insights.streams import catalogue as streams
from insights.streams.stream import amount_at

#: What a segment was found to be after an event.
Answer = tuple[bool, LoggedEvent]

#: An event, with the segments that it may move and that a later one of the batch may move again.
_Turn = tuple[LoggedEvent, Collection[Followed]]


@dataclass(slots=True)
class Course:
    """asked   by customer, the segments to be judged when the batch was taken, each with the last event that touched it
    turns   of those whom two events may move by one segment: all that they did
    before  the same customers' facts, and sightings, as they stood before the batch
    kept    what profiles took of the batch
    """

    asked: dict[UUID, dict[Followed, LoggedEvent]] = field(default_factory=dict)
    turns: dict[UUID, list[_Turn]] = field(default_factory=dict)
    before: Mapping[UUID, tuple[Facts, Sighting | None]] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)

    def answers(
        self, facts: Mapping[UUID, Facts], counting: streams.Catalogue
    ) -> dict[UUID, dict[Followed, list[Answer]]]:
        """By customer, what segments were after each event but the last that may have moved them.

        facts  once the whole batch was taken
        """
        return {customer_id: self._answers(facts[customer_id], counting) for customer_id in self.turns}

    def _answers(self, facts: Facts, counting: streams.Catalogue) -> dict[Followed, list[Answer]]:
        customer_id, found = facts.customer_id, dict[Followed, list[Answer]]()
        known = _Growing(*self.before[customer_id], facts, self.kept)
        for event, moved in self.turns[customer_id]:
            known.take(event, counting)
            for segment in moved:
                condition = segment.condition_of(customer_id)
                if condition is not None:
                    is_in = known.facts.profile is not None and condition.holds(known.facts)
                    found.setdefault(segment, []).append((is_in, event))
        return found


def of(connection: Connection, followed: Catalogue, events: Sequence[LoggedEvent], now: datetime) -> Course:
    """Look at a batch before any of it is taken: whom it touches, and how those stand whom it may move twice."""
    course, moving = Course(), dict[UUID, list[tuple[LoggedEvent, set[Followed]]]]()
    for event in events:
        if event.customer_id is None or is_ours(event):
            continue
        moved = set[Followed]().union(*followed.moved_by(event))
        moving.setdefault(event.customer_id, []).append((event, moved))
        if moved or followed.of_everything:
            asked = course.asked.setdefault(event.customer_id, {})
            asked.update(dict.fromkeys((*followed.of_everything, *moved), event))

    needs: set[Need] = set()
    for customer_id, theirs in moving.items():
        turns = _but_last(theirs) if len(theirs) > 1 else []
        if again := set[Followed]().union(*[moved for _, moved in turns]):
            course.turns[customer_id] = turns
            needs.update(need for segment in again for need in segment.needs if _is_told_by_events(need))
    if course.turns:
        facts, seen = load(connection, needs, course.turns, now), sighted(connection, list(course.turns))
        course.before = {customer_id: (facts[customer_id], seen.get(customer_id)) for customer_id in course.turns}
    return course


def _but_last(events: Sequence[tuple[LoggedEvent, set[Followed]]]) -> list[_Turn]:
    """Each event with those of its segments that a later one may move again."""
    later, turns = set[Followed](), list[_Turn]()
    for event, moved in reversed(events):
        turns.append((event, moved & later))
        later |= moved
    return turns[::-1]


def _is_told_by_events(need: Need) -> bool:
    return isinstance(need, Counted | Trait) or need in ("profile", "revenue")


@dataclass(kw_only=True)
class _Between(Facts):
    """Facts between two events. What a window came to is summed once, however many segments ask for it: else hundreds
    of events of one customer are some seconds of sums.

    sums  by what is asked; they stand until the next event
    """

    sums: dict[tuple[Counted, Column], int | Decimal] = field(default_factory=dict)

    def counted(self, asked: Counted, column: Column) -> int | Decimal:
        known = self.sums.get((asked, column))
        if known is None:
            known = self.sums[asked, column] = super().counted(asked, column)
        return known


class _Growing:
    """What is known of one customer, event by event, by the folding with which the tables were written."""

    def __init__(self, before: Facts, seen: Sighting | None, now_known: Facts, kept: Kept) -> None:
        self._id, self._kept, self._before = before.customer_id, kept, before
        self._found = Sightings(customers={self._id: seen} if seen else {})
        self._told: dict[str, tuple[datetime, UUID] | None] = {}
        self._traits = dict(before.traits)
        days = {stream: list(each) for stream, each in before.days.items()}
        told = {each.name: getattr(now_known, each.name) for each in fields(Facts)}
        told |= {"profile": _known(seen), "traits": self._traits, "ever": dict(before.ever), "days": days}
        self.facts = _Between(**told)

    def take(self, event: LoggedEvent, counting: streams.Catalogue) -> None:
        found = self._found
        self.facts.sums.clear()
        sightings.fold([event], into=found)
        if claims.of(event) and self._id in self._kept.visited:
            sightings.merge(found.customers, self._id, replace(self._kept.visited[self._id]))
        self.facts.profile = _known(found.customers.get(self._id))
        more = {currency: money.net_minor for (_, currency), money in found.money.items()}
        before = self._before.revenue
        self.facts.revenue = {each: before.get(each, 0) + more.get(each, 0) for each in before.keys() | more}
        while found.traits:
            self._set(found.traits.pop(0))
        for known in counting.of_event(event):
            _count(self.facts, known.stream, event)

    def _set(self, report: Report) -> None:
        """Unless there is no room for the trait, or what is known of it is later."""
        if (self._id, report.name) not in self._kept.traits:
            return
        latest = self._told.get(report.name) or self._kept.traits[self._id, report.name]
        if latest is None or (report.at, report.event_id) > latest:
            self._told[report.name] = (report.at, report.event_id)
            self._traits.pop(report.name, None)
            if report.value is not None:
                self._traits[report.name] = report.value


def _known(seen: Sighting | None) -> Known | None:
    if seen is None:
        return None
    source = seen.touch.source if seen.touch else None
    return Known(seen.phase, seen.first_seen_at, seen.last_seen_at, seen.orders, source)


def _count(facts: Facts, stream: Stream, event: LoggedEvent) -> None:
    at, total = event.occurred_at, amount_at(event.payload, stream.field) if stream.field else Decimal(0)
    ever = facts.ever.get(stream) or Ever(at, at, 0, Decimal(0))
    facts.ever[stream] = Ever(min(ever.first_at, at), max(ever.last_at, at), ever.count + 1, ever.total + total)
    day, days = at.astimezone(facts.zone).date(), facts.days.setdefault(stream, [])
    place = bisect_left(days, day, key=lambda each: each.day)
    if place < len(days) and days[place].day == day:
        days[place] = Day(day, days[place].count + 1, days[place].total + total)
    else:
        days.insert(place, Day(day, 1, total))
