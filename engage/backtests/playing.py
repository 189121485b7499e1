"""Playing: one customer's past, event after event, through the same engine that walks live journeys.

The clock stands at each event's time, and at each time-out between two of them. What steps ask for is answered from
memory; letters are decided as live ones are, and nothing of it is written.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core import ids
from core.events import LoggedEvent
from core.money import SANDBOX
from engage import outgoing
from engage.backtests import world
from engage.backtests.memory import Memory
from engage.backtests.memory import Past as Remembered
from engage.backtests.report import Report
from engage.backtests.world import House, People
from engage.journeys.versions import Catalogue, Version
from engage.steps import AskCall, AskCredit, AskFacts, AskVoucher
from engage.templates.embeds import Embed
from engage.walks import engine, entering, letters
from engage.walks.effects import Answer, Asked, AskPast, Effects, Given, Known, Noted, Past, Planned, Refused
from engage.walks.entering import Inside, Kept
from engage.walks.walk import Walk
from insights.segments.facts import Facts
from rewards.campaigns import holdouts
from rewards.terms import Terms

#: A code as it looks; nobody gets it.
_CODE = "7KQ4M9TD2XWAH"


@dataclass(slots=True)
class Play:
    """A version over the events in (since, until]."""

    version: Version
    house: House
    memory: Memory
    report: Report
    since: datetime
    until: datetime
    catalogue: Catalogue = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.catalogue = Catalogue([self.version])

    def customer(self, customer_id: UUID, events: Sequence[LoggedEvent], people: People) -> None:
        """events: all that happened to the customer, the earliest first; those up to `since` are only remembered"""
        effects = Effects({self.version.id: self.version}, self.since, self.new_id)
        today = people.facts.get(customer_id) or Facts(customer_id=customer_id, now=self.until)
        mine = _Life(self, customer_id, events, people, effects, Remembered(self.memory, today))
        mine.live()
        self.report.keep(customer_id, mine.effects, mine.kept, given=mine.given)

    def new_id(self) -> UUID:
        return UUID(int=next(self._numbers))


@dataclass(slots=True)
class _Life:
    """One customer's."""

    play: Play
    customer_id: UUID
    events: Sequence[LoggedEvent]
    people: People
    effects: Effects
    remembered: Remembered
    walks: list[Walk] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    given: dict[UUID, tuple[UUID, datetime]] = field(default_factory=dict)
    vouchers: dict[UUID, Embed] = field(default_factory=dict)
    happened: int = 0

    def live(self) -> None:
        inside = Inside(self.play.house.policy, barred=self.people.barred)
        for event in self.events:
            if event.occurred_at > self.play.since:
                self._let_time_pass(event.occurred_at)
            self.happened += 1
            self.remembered.see(event)
            if event.occurred_at > self.play.since:
                self.effects.now = event.occurred_at
                self._happen(event, inside)
        self._let_time_pass(None)

    def _let_time_pass(self, to: datetime | None) -> None:
        """Time out what is over before `to` (None: at the end or before): what happens at that moment comes first."""
        while over := [walk for walk in self.walks if walk.is_waiting and self._is_over(walk, to)]:
            walk = min(over, key=lambda one: (one.timeout_at or self.play.until, one.id))
            assert walk.timeout_at is not None, "a walk that waits does so until then"
            self.effects.now = walk.timeout_at
            engine.time_out(self.effects, walk)
            self._run(walk)

    def _is_over(self, walk: Walk, to: datetime | None) -> bool:
        assert walk.timeout_at is not None, "a walk that waits does so until then"
        return walk.timeout_at <= self.play.until if to is None else walk.timeout_at < to

    def _happen(self, event: LoggedEvent, inside: Inside) -> None:
        self.walks = [walk for walk in self.walks if _is_live(walk, event.occurred_at)]
        inside.live[self.play.version.journey_id, self.customer_id] = len(self.walks)
        for walk in self.walks:
            engine.wake(self.effects, walk, event)
        for entry in entering.entries_of(self.play.catalogue, [event]):
            if self.play.version.graph.audience is not None:
                inside.facts = {self.customer_id: self._facts()}
            arm = entering.decide(entry, inside, self.walks, now=self.effects.now)
            if isinstance(arm, Kept):
                self.kept.append(arm)
            elif arm is not None:
                walk = engine.begin(self.effects, entry.version, event, entry.key, arm)
                inside.keep(walk)
                self.walks.append(walk)
        for walk in self.walks:
            if walk.state == "ready":
                self._run(walk)

    def _run(self, walk: Walk) -> None:
        zone = self.people.zones.get(self.customer_id)
        asked = engine.run_on(self.effects, walk, zone=zone)
        while asked is not None:
            engine.answer(self.effects, asked, self._answer(asked), zone=zone)
            asked = engine.run_on(self.effects, walk, zone=zone)
        for planned in self.effects.planned:
            self._write(planned)
        self.effects.planned.clear()

    def _answer(self, asked: Asked) -> Answer:
        ask = asked.ask
        if isinstance(ask, AskVoucher):
            return self._voucher(asked, ask.campaign_id)
        if isinstance(ask, AskCredit):
            self.play.report.credit(ask.currency, ask.amount_minor, at=self.effects.now)
            return Given()
        if isinstance(ask, AskFacts):
            return Known(self._facts())
        if isinstance(ask, AskPast):
            return Past(self._before(ask))
        return Noted("queued") if isinstance(ask, AskCall) else Noted()

    def _facts(self) -> Facts:
        known = self.remembered.facts(now=self.effects.now)
        known.traits = {**known.traits, **self.effects.traits.get(self.customer_id, {})}
        return known

    def _before(self, ask: AskPast) -> list[LoggedEvent]:
        """What happened since then under a name, the earliest first."""
        since = itertools.takewhile(
            lambda event: event.occurred_at >= ask.since,
            (self.events[place] for place in range(self.happened - 1, -1, -1)),
        )
        return [event for event in since if event.name == ask.event][::-1]

    def _voucher(self, asked: Asked, campaign_id: UUID) -> Answer:
        of = self.play.house.campaigns.get(campaign_id)
        if of is None:
            return Refused("campaign_gone", "There is no such campaign any more.")
        if holdouts.is_held_out(of, self.customer_id):
            return Refused("held_out", "The customer is held out of the campaign.", is_held_out=True)
        if of.audience_id and (of.audience_id, self.customer_id) not in self.people.invited:
            return Refused("not_in_audience", "The campaign is not for this customer.")
        if (of.currency == SANDBOX) != ids.is_sandbox(self.customer_id):
            return Refused("sandbox_mixed", "The campaign gives nothing that is real.")
        had = sum(campaign == campaign_id for campaign, _ in self.given.values())
        if of.is_gift_card and of.limit_per_customer is not None and had >= of.limit_per_customer:
            return Refused("limit_reached", "The customer has had all that the campaign gives one.")
        voucher_id, now = self.play.new_id(), self.effects.now
        self.given[voucher_id] = (campaign_id, now)
        self.vouchers[voucher_id] = Embed(voucher_id, _CODE, _expiry(of, now), of.currency, of.discount)
        return Given(voucher_id)

    def _write(self, planned: Planned) -> None:
        writing = self.people.writing
        assert writing.world is not None, "a journey that writes was prepared for"
        then = world.at(writing.world, self.effects.now)
        decided = outgoing.decide(then, letters.letter_of(writing, then, planned, self.vouchers))
        planned.run.outcome = decided.outcome
        planned.run.reasons.extend(decided.reasons)
        self.play.report.decided(self.customer_id, planned, decided, now=self.effects.now)


def _is_live(walk: Walk, at: datetime) -> bool:
    """Whether something that happens may still concern a walk."""
    return walk.state != "ended" or (walk.goal_until is not None and at <= walk.goal_until)


def _expiry(of: Terms, now: datetime) -> datetime | None:
    """As if the campaign ran at the time: its own end says nothing of the past."""
    return now + timedelta(days=of.voucher_days) if of.voucher_days else None
