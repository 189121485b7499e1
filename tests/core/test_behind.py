"""Readers that stay behind another: they take what that one has taken, and nothing before it has."""

import threading
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import LoggedEvent, Reader, readers
from core.events.log import SLOTS
from tests.core.log import NOW, still_behind, two_in_one_slot, wait_for_the_horizon, write

pytestmark = pytest.mark.usefixtures("database")


class Pair:
    """One that counts, and one behind it; both note the numbers that they saw."""

    def __init__(self, *, limit: int = 200, fails_on: int | None = None) -> None:
        self.counted: list[int] = []
        self.asked: list[int] = []
        self.fails_on = fails_on
        # By the limit: how large a batch may be is remembered by the name.
        self.first = Reader(f"test.counting.{limit}", self._count, None, limit=limit)
        self.second = Reader("test.asking", self._ask, None, behind=self.first.name)
        readers.register([self.first, self.second])

    def _count(self, session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        if any(event.payload["number"] == self.fails_on for event in events):
            raise ValueError("this one cannot be counted")
        self.counted += [event.payload["number"] for event in events]

    def _ask(self, session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        self.asked += [event.payload["number"] for event in events]


def take(reader: Reader) -> int:
    return readers.run_batch(reader, now=NOW, slots=SLOTS)


def test_nothing_is_taken_before_the_other_has() -> None:
    pair = Pair()
    write(ids.new(), [1, 2, 3])
    wait_for_the_horizon()

    assert take(pair.second) == 0
    assert take(pair.first) == 3
    assert take(pair.second) == 3

    assert pair.asked == pair.counted == [1, 2, 3]


def test_of_a_slot_it_takes_just_what_the_other_has_taken() -> None:
    pair = Pair(limit=2)
    one, other = two_in_one_slot()
    write(one, [1, 2, 3])
    write(other, [4])
    wait_for_the_horizon()

    take(pair.first)
    assert (take(pair.second), take(pair.second)) == (2, 0)
    take(pair.first)
    assert (take(pair.second), take(pair.second)) == (2, 0)

    assert pair.asked == [1, 2, 3, 4]


def test_what_the_other_has_parked_counts_as_taken() -> None:
    pair = Pair(fails_on=1)
    write(ids.new(), [1, 2])
    wait_for_the_horizon()

    while take(pair.first):
        pass
    while take(pair.second):
        pass

    assert (pair.counted, pair.asked) == ([], [1, 2])


def test_an_event_of_its_own_that_fails_parks_its_customer_as_ever() -> None:
    pair = Pair()
    seen: list[int] = []

    def fail(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        if any(event.payload["number"] == 1 for event in events):
            raise ValueError("this one cannot be handled")
        seen.extend(event.payload["number"] for event in events)

    failing = Reader(pair.second.name, fail, None, behind=pair.first.name)
    one, other = two_in_one_slot()
    write(one, [1, 2])
    write(other, [3])
    wait_for_the_horizon()
    while take(pair.first):
        pass

    while take(failing):
        pass

    assert seen == [3]


def test_behind_one_that_there_is_not_nothing_is_taken() -> None:
    alone = Reader("test.alone", lambda session, events, now: None, None, behind="test.nobody")
    readers.register([alone])
    write(ids.new(), [1])
    wait_for_the_horizon()

    assert take(alone) == 0


def test_what_the_other_has_done_is_seen_by_any_worker() -> None:
    """Three workers on both: whoever takes an event finds what was done with it."""
    customers = [ids.new() for _ in range(40)]
    missing: list[UUID] = []

    def note(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        for event in events:
            connection_of(session).execute("INSERT INTO core.schedule VALUES (%s, now())", [str(event.id)])

    def ask(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        rows = connection_of(session).execute(
            "SELECT name FROM core.schedule WHERE name = ANY(%s)", [[str(event.id) for event in events]]
        )
        missing.extend({event.id for event in events} - {UUID(row[0]) for row in rows})

    first = Reader("test.noting", note, None, limit=7)
    second = Reader("test.looking", ask, None, behind="test.noting")
    readers.register([first, second])
    for customer in customers:
        write(customer, range(5))

    def work() -> None:
        while sum(readers.run_batch(each, now=NOW, slots=4) for each in (second, first)) or still_behind(second):
            pass

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert missing == []
    assert not still_behind(second)
