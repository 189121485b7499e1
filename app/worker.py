"""The worker: follows the log for every reader, does what is due, fires the schedule."""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from core import clock, schedule
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events import Reader, readers
from core.events.log import SLOTS
from core.work import Schedule, Work, bell

#: Idle workers ask again after 50 ms, then ever more rarely, at most once a second; NOTIFY would serialise commits.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 1.0

#: Lines between an event and the push that answers it begin again at this: a customer stands in the shop.
QUICK, QUICKEST_SECONDS = frozenset({"engage.journeys", "insights.profiles", "engage.enrolments"}), 0.02

log = logging.getLogger("pocketful.worker")


class Worker:
    """One process's share of the readers, the due work and the schedule, each line on a thread of its own."""

    def __init__(self, readers_: Sequence[Reader], work: Sequence[Work], scheduled: Sequence[Schedule]) -> None:
        self._stopping = threading.Event()
        steps: list[tuple[str, Callable[[datetime], int]]] = [
            (reader.name, lambda now, reader=reader: readers.run_batch(reader, now=now))  # type: ignore[misc]
            for reader in readers_
        ]
        steps += [(line.name, line.run) for line in work]
        steps.append(("schedule", lambda now: schedule.fire_due(scheduled, now=now)))
        self._threads = [
            threading.Thread(target=self._follow, args=(name, step), name=name, daemon=True) for name, step in steps
        ]

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; what is in hand is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self.start()
        self._stopping.wait()
        self.stop()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            bell(thread.name).set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _follow(self, name: str, step: Callable[[datetime], int]) -> None:
        shortest = SHORTEST_SECONDS if name not in QUICK else QUICKEST_SECONDS
        idle_seconds = shortest
        rung = bell(name)
        while not self._stopping.is_set():
            # Before the look, so that a nudge while it lasts makes the next one follow at once.
            rung.clear()
            # A little chance keeps many workers from asking all at once.
            if self._take(name, step) or rung.wait(idle_seconds * random.uniform(0.8, 1.2)):
                idle_seconds = shortest
            else:
                idle_seconds = min(idle_seconds * 2, LONGEST_SECONDS)

    def _take(self, name: str, step: Callable[[datetime], int]) -> int:
        try:
            return step(clock.now())
        except Refusal as refusal:  # the database is away or busy: ask again
            log.warning("%s: %s", name, refusal.code)
        except Exception:
            log.exception("%s failed", name)
        time.sleep(0.2)
        return 0


def drain(readers_: Sequence[Reader], work: Sequence[Work], *, now: datetime) -> int:
    """Take everything that is unread or due at `now`, in this thread, until nothing is left; how many rows that were.

    For commands and tests that play a clock of their own, and are alone: each batch takes all slots at once. Any open
    transaction of the server, another database's too, can hold the log's horizon back for a moment: that is waited for.
    """
    names = {reader.name for reader in readers_}
    total = 0
    while True:
        taken = sum(_until_none(partial(readers.run_batch, reader, now=now, slots=SLOTS)) for reader in readers_)
        taken += sum(_until_none(partial(line.run, now)) for line in work)
        if not taken:
            if not _are_behind(names):
                return total
            time.sleep(0.005)
        total += taken


def _until_none(step: Callable[[], int]) -> int:
    """Each to its own end: asking all in turn would ask those that are done again and again."""
    total = 0
    while taken := step():
        total += taken
    return total


def _are_behind(names: set[str]) -> bool:
    with transaction() as session:
        return any(behind for name, behind in readers.lag(connection_of(session)) if name in names)
