"""The worker: follows the log for every reader, does what is due, fires the schedule."""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from core import clock, schedule
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events import Reader, readers
from core.events.log import SLOTS
from core.work import Schedule, Work, bell, nudge

#: Idle lines ask again after 50 ms, then ever more rarely, at most once a second; NOTIFY would serialise commits.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 1.0

#: A reader whose batch was small rests before its next look, or fifteen readers of a log that never stands still would
#: take an event or two each, all the time, at 1.6 ms of CPU a look and as much in the server (measured).
READER_SECONDS = 0.5

#: Those between an event and the push that answers it rest less: a customer stands in the shop. Whoever stands behind
#: one of them is nudged by it, and needs no look of its own in between.
QUICK_SECONDS = {"insights.profiles": 0.025}


@dataclass(frozen=True, slots=True)
class _Line:
    """One thread's work.

    full   a batch of so many is followed by another at once
    rests  seconds before the next look after a smaller one
    """

    name: str
    step: Callable[[datetime], int]
    full: int = 1
    rests: float = SHORTEST_SECONDS


def _of_reader(reader: Reader, *, followers: Sequence[str]) -> _Line:
    """followers: the readers that stay behind this one, and have something to read once it has"""

    def step(now: datetime) -> int:
        taken = readers.run_batch(reader, now=now)
        for name in followers if taken else ():
            nudge(name)
        return taken

    rests = QUICK_SECONDS.get(reader.name, READER_SECONDS)
    return _Line(reader.name, step, full=max(reader.limit // 4, 1), rests=rests)


log = logging.getLogger("pocketful.worker")


class Worker:
    """One process's share of the readers, the due work and the schedule, each line on a thread of its own."""

    def __init__(self, readers_: Sequence[Reader], work: Sequence[Work], scheduled: Sequence[Schedule]) -> None:
        self._stopping = threading.Event()
        followers = {reader.name: [each.name for each in readers_ if each.behind == reader.name] for reader in readers_}
        lines = [_of_reader(reader, followers=followers[reader.name]) for reader in readers_]
        lines += [_Line(line.name, line.run) for line in work]
        lines.append(_Line("schedule", lambda now: schedule.fire_due(scheduled, now=now)))
        self._threads = [
            threading.Thread(target=self._follow, args=[line], name=line.name, daemon=True) for line in lines
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

    def _follow(self, line: _Line) -> None:
        rung, idle_seconds = bell(line.name), line.rests
        while not self._stopping.is_set():
            # Before the look, so that a nudge while it lasts makes the next one follow at once.
            rung.clear()
            taken = self._take(line.name, line.step)
            if taken >= line.full:
                continue
            # A little chance keeps many workers from asking all at once.
            if rung.wait((line.rests if taken else idle_seconds) * random.uniform(0.8, 1.2)) or taken:
                idle_seconds = line.rests
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
    A reader that stays behind another is drained with it.
    """
    names = {reader.name for reader in readers_}
    assert {reader.behind for reader in readers_} <= {None, *names}, "whoever stays behind would never come to its end"
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
