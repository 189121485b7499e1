"""Carrying: what a batch of walks does, with all that its steps bring about, in one transaction.

The walks run until they ask; what they ask for is answered for all of them at once; they run on, round after round.
Then the messages are decided and written, then the walks themselves, and last of all the ledger is posted: the budgets
that many batches share are locked for the shortest time. Where one of them turns out to be spent, everything is undone
and done again with the funds read, so nothing here outlives the call that loaded the walks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.events import LoggedEvent, announce_all
from engage.journeys.versions import Catalogue
from engage.walks import answering, conversions, engine, letters, refusals, rows, telling, zones
from engage.walks.answering import Desk
from engage.walks.effects import Asked, Effects
from engage.walks.entering import Kept
from engage.walks.holding import HELD
from engage.walks.letters import Writing
from engage.walks.walk import Walk
from rewards.funds import Funds, post_with
from wallet import ledger

READER = "engage.journeys"

#: Who keeps the facts that conditions ask for (`insights.reactions`). What moves walks is read behind it, so that an
#: event is counted before anybody is judged by it.
FACTS_READER = "insights.profiles"

#: Rounds of asking and answering in one transaction; a walk that asks more goes on in the next.
MOST_ROUNDS = 8

Result = TypeVar("Result")


@dataclass(slots=True)
class Batch:
    """A transaction's walks under way."""

    session: Session
    effects: Effects
    desk: Desk
    kept: list[Kept] = field(default_factory=list)
    zones: Mapping[UUID, str | None] = field(default_factory=dict)
    writing: Writing = field(default_factory=Writing)
    rounds_left: int = MOST_ROUNDS

    def know(self, walks: Sequence[tuple[UUID, UUID]]) -> None:
        """Read ahead what steps and messages hang on; caps are locked before vouchers.

        walks  (version, customer) of those who may move
        """
        self.writing = letters.prepare(self.session, self.effects.versions, walks, now=self.effects.now)
        self.desk.spenders = [self.effects.versions[version] for version in {version for version, _ in walks}]
        self.zones = zones.of_walks(self.session, self.effects.versions, walks)

    def see(self, events: Iterable[LoggedEvent]) -> None:
        """From here on these events are what moves the walks, one a customer."""
        self.desk.seen = {event.customer_id: event for event in events if event.customer_id}

    def run(self, walks: Iterable[Walk]) -> None:
        """Let walks go as far as they can."""
        asked = [one for walk in walks if not self.holds(walk) and (one := self._run_on(walk)) is not None]
        while asked:
            self.rounds_left -= 1
            answers = answering.answer_all(self.desk, asked)
            for one, said in zip(asked, answers, strict=True):
                engine.answer(self.effects, one, said, zone=self.zones.get(one.walk.customer_id))
            asked = [one for before in asked if (one := self._run_on(before.walk)) is not None]

    def holds(self, walk: Walk) -> bool:
        """Whether the walk's journey stands still with all who are inside; then nobody looks at it until it goes on."""
        if walk.state == "ended" or not self.effects.version(walk).is_holding:
            return False
        walk.due_at = HELD
        self.effects.touch(walk)
        return True

    def _run_on(self, walk: Walk) -> Asked | None:
        zone = self.zones.get(walk.customer_id)
        return engine.run_on(self.effects, walk, zone=zone, may_ask=self.rounds_left > 0)

    def finish(self) -> None:
        """Write all of it.

        effects  enqueues messages, announces journey.entered, .step_done, .converted and .ended; posts to the ledger
        """
        session, effects, desk = self.session, self.effects, self.desk
        settled_ids = rows.settle_waits(session, effects.settled)
        letters.write(session, self.writing, effects.planned, at_hand=desk.vouchers, now=effects.now)
        conversions.credit_all(desk.connection, effects.converted)
        rows.keep(session, begun=effects.begun.values(), moved=effects.moved.values(), runs=effects.runs)
        desk.close()
        refusals.keep(session, self.kept, now=effects.now)
        announce_all(session, [*desk.events, *telling.events_of(effects, settled_ids)])
        ledger.post_all(desk.connection, desk.transfers)


def carry_out(
    session: Session,
    catalogue: Catalogue,
    move: Callable[[Batch], Result],
    *,
    now: datetime,
    is_late: bool = False,
) -> Result:
    """Do what `move` does with a batch, and write it; all again, from what the database holds, where funds are short.

    move     loads and moves the walks of a batch; called again for each try
    is_late  whether walks come to their steps some time after their time: due work, not an event just read
    """

    def work(connection: Connection, funds: Funds) -> Result:
        effects = Effects(catalogue.versions, now, ids.new, is_late=is_late)
        batch = Batch(session, effects, Desk(session, connection, funds, now, READER))
        result = move(batch)
        batch.finish()
        return result

    return post_with(session, work)


def waves(events: Sequence[LoggedEvent]) -> list[list[LoggedEvent]]:
    """The events in waves: in each at most one of a customer, in the order of the log."""
    found: list[list[LoggedEvent]] = []
    reached: dict[UUID | None, int] = {}
    for event in events:
        place = reached.get(event.customer_id, 0)
        reached[event.customer_id] = place + 1
        if place == len(found):
            found.append([])
        found[place].append(event)
    return found
