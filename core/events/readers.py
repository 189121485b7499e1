"""Readers of the log: each event takes effect exactly once, in order for each customer.

A reader has one offset row a slot. `run_batch` locks free offset rows that have unread events, reads the next batch
below the horizon, lets the reader handle it, moves the offsets and commits: effects and offsets commit together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy.orm import Session

from core.db import connection_of, transaction, translated_errors
from core.errors import Busy, DatabaseUnavailable
from core.events import offsets, parking
from core.events.log import SLOTS, LoggedEvent
from core.events.reached import has_read, have_read, lag

__all__ = ["Handle", "Reader", "has_read", "have_read", "lag", "register", "run_batch"]

#: How long a reader rests for whom nobody waits.
UNHURRIED_SECONDS = 1.0

Handle = Callable[[Session, Sequence[LoggedEvent], datetime], None]


@dataclass(frozen=True)
class Reader:
    """One line of `READERS` in the wiring.

    names    the events it wants; None for all of them
    handle   handle(session, events, now): the batch, in order, in one transaction; must end in well under 250 ms
    limit    events a batch
    sees_sandbox  events of sandboxes too, which all others pass over
    behind   the reader whose effects it asks about: it takes no event before that one has taken, or parked, it
    rests_seconds how long a worker leaves it alone after a small batch. Nobody waits for most readers, and each look
             costs as much as many events: twenty that look all the time would do little else
    """

    name: str
    handle: Handle
    names: frozenset[str] | None
    limit: int = 500
    sees_sandbox: bool = False
    behind: str | None = None
    rests_seconds: float = UNHURRIED_SECONDS

    def is_for(self, event: LoggedEvent) -> bool:
        return self.sees_sandbox or not event.is_sandbox


def register(readers: Sequence[Reader]) -> None:
    """Give each reader its place in the log, at the beginning; those that have one keep it."""
    offsets.open_all(reader.name for reader in readers)


def run_batch(reader: Reader, *, now: datetime, slots: int | None = None, is_alone: bool = False) -> int:
    """Let a reader take its next batch; returns how many events it passed (0: nothing unread, or others hold it).

    slots     how many it may hold at once; None: all while the reader keeps up, since a batch has a price of its own;
              a part of them while it is behind, so that other workers share the rest
    is_alone  nobody else waits for what it holds: each batch is whole, however long it takes
    A batch that fails is rolled back and taken one event a transaction; an event that fails by itself parks its
    subject for this reader. Deadlocks, lock time-outs and lost connections are no fault of an event: they pass up.
    """
    limit = reader.limit if is_alone else _limits.get(reader.name, reader.limit)
    begun = monotonic()
    if slots is None:
        slots = _SHARED_SLOTS if reader.name in _behind else SLOTS
    try:
        taken = _take(reader, limit=limit, slots=slots, now=now)
    except _Failed:
        return _take_singly(reader, now=now)
    _limits[reader.name] = next_limit(limit, taken=taken, seconds=monotonic() - begun, most=reader.limit)
    return taken


#: A batch that takes longer than this is halved: a writing transaction of 250 ms would hold back every reader.
_LONG_SECONDS = 0.125

#: But not below this: a batch has a price of its own, and a busy machine would drive it to one event a batch.
_FEWEST = 64

#: What one worker takes of a reader that is behind.
_SHARED_SLOTS = SLOTS // 4

#: The readers whose last batch in this process left some of what was there.
_behind: set[str] = set()

#: Events a batch just now, by reader, as this process found them to take.
_limits: dict[str, int] = {}


def left_some(reader: Reader) -> bool:
    """Whether the last batch that this process took left events which a larger one would have taken."""
    return reader.name in _behind


def next_limit(limit: int, *, taken: int, seconds: float, most: int) -> int:
    """How many events the next batch takes: half when this one was long, twice when it was full and short."""
    if seconds > _LONG_SECONDS:
        return max(min(limit, taken) // 2, min(_FEWEST, most))
    if taken >= limit // 2 and seconds < _LONG_SECONDS / 3:
        return min(limit * 2, most)
    return limit


class _Failed(Exception):
    """A handler raised; carries what it was handed, so that a lone culprit can be parked by name."""

    def __init__(self, wanted: Sequence[LoggedEvent], error: Exception) -> None:
        super().__init__(str(error))
        self.wanted, self.error = wanted, error


def _take(reader: Reader, *, limit: int, slots: int, now: datetime) -> int:
    with transaction() as session:
        connection = connection_of(session)
        batch = offsets.read(
            connection, reader.name, names=reader.names, limit=limit, slots=slots, behind=reader.behind
        )
        wanted = [event for event in batch.events if reader.is_for(event)]
        parked = parking.parked_subjects(connection, reader.name, wanted)
        ready = [event for event in wanted if event.subject not in parked]

        if ready:
            _handle(reader, session, ready, now=now)

        parking.queue_behind(connection, reader.name, [event for event in wanted if event.subject in parked])
        offsets.advance(connection_of(session), reader.name, batch.positions)
    (_behind.add if batch.is_cut else _behind.discard)(reader.name)
    return batch.passed


def _take_singly(reader: Reader, *, now: datetime) -> int:
    """One event a transaction, until one slot's trouble is past: found by its failing, it is parked."""
    passed = 0
    for _ in range(reader.limit):
        try:
            taken = _take(reader, limit=1, slots=1, now=now)
        except _Failed as failed:
            taken = _park(reader, failed.wanted[0], failed.error, now=now)
        passed += taken
        if not taken:
            break
    return passed


def _handle(reader: Reader, session: Session, wanted: Sequence[LoggedEvent], *, now: datetime) -> None:
    try:
        with translated_errors():
            reader.handle(session, wanted, now)
            # What is checked only at the end is checked here, where it can still be laid at an event's door.
            connection_of(session).execute("SET CONSTRAINTS ALL IMMEDIATE")
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:  # whatever an event can do to its handler, the other customers go on
        raise _Failed(wanted, error) from error


def _park(reader: Reader, culprit: LoggedEvent, error: Exception, *, now: datetime) -> int:
    with transaction() as session:
        connection = connection_of(session)
        batch = offsets.read(
            connection, reader.name, names=reader.names, limit=1, slots=1, behind=reader.behind, only_slot=culprit.slot
        )
        if [event.id for event in batch.events] != [culprit.id]:
            return 1  # another worker moved this slot on meanwhile, and has dealt with the event itself
        parking.park(connection, reader.name, culprit, error=error, now=now)
        offsets.advance(connection, reader.name, batch.positions)
        return 1
