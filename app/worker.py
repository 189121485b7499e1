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
from itertools import cycle

from core import clock, schedule
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events import Reader, readers
from core.events.log import SLOTS
from core.events.readers import UNHURRIED_SECONDS
from core.work import Schedule, Work, bell, nudge

#: Idle lines ask again after 50 ms, then ever more rarely, at most once a second; NOTIFY would serialise commits.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 1.0

#: While a quick line has had work within this, a line that yields rests so many times as long as its last part took.
LATELY_SECONDS, YIELDED = 1.0, 6.0


@dataclass(frozen=True, slots=True)
class _Line:
    """One thread's work.

    rests     seconds before the next look after a batch that left nothing
    has_more  whether a batch of so many is followed by another at once
    yields    whether it makes way for the quick lines, which are those that somebody waits for
    """

    name: str
    step: Callable[[datetime], int]
    rests: float = SHORTEST_SECONDS
    has_more: Callable[[int], bool] = lambda taken: True
    yields: bool = False
    is_quick: bool = False


def _of_reader(reader: Reader, *, followers: Sequence[str]) -> _Line:
    """followers: the readers that stay behind this one, and have something to read once it has"""

    def step(now: datetime) -> int:
        taken = readers.run_batch(reader, now=now)
        for name in followers if taken else ():
            nudge(name)
        return taken

    return _Line(
        reader.name,
        step,
        rests=reader.rests_seconds,
        has_more=lambda taken: readers.left_some(reader),
        is_quick=reader.rests_seconds < UNHURRIED_SECONDS,
    )


def _of_work(line: Work) -> _Line:
    return _Line(line.name, line.run, has_more=lambda taken: taken >= line.full, yields=line.yields)


log = logging.getLogger("pocketful.worker")


class Worker:
    """One process's share of the readers, the due work and the schedule, each line on a thread of its own."""

    def __init__(self, readers_: Sequence[Reader], work: Sequence[Work], scheduled: Sequence[Schedule]) -> None:
        self._stopping = threading.Event()
        self._hurried_at = float("-inf")
        followers = {reader.name: [each.name for each in readers_ if each.behind == reader.name] for reader in readers_}
        lines = [_of_reader(reader, followers=followers[reader.name]) for reader in readers_]
        lines += [_of_work(line) for line in work]
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
            begun = time.monotonic()
            taken = self._take(line.name, line.step)
            if taken and line.is_quick:
                self._hurried_at = time.monotonic()
            if taken and line.has_more(taken):
                self._make_way(line, time.monotonic() - begun)
                continue
            # A little chance keeps many workers from asking all at once.
            if rung.wait((line.rests if taken else idle_seconds) * random.uniform(0.8, 1.2)) or taken:
                idle_seconds = line.rests
            else:
                idle_seconds = min(idle_seconds * 2, max(LONGEST_SECONDS, line.rests))

    def _make_way(self, line: _Line, seconds: float) -> None:
        """Let quick lines go first: what nobody waits for took so long just now, and would go on at once."""
        if line.yields and time.monotonic() - self._hurried_at < LATELY_SECONDS:
            self._stopping.wait(seconds * YIELDED)

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
    reading = [partial(readers.run_batch, reader, now=now, slots=SLOTS, is_alone=True) for reader in readers_]
    total = _until_quiet([*reading, *[partial(line.run, now) for line in work]])
    while True:
        taken = sum(_until_none(step) for step in reading)
        if taken:
            total += taken + _until_quiet([*[partial(line.run, now) for line in work], *reading])
        elif _are_behind(names):
            time.sleep(0.005)
        else:
            return total


def _until_quiet(steps: Sequence[Callable[[], int]]) -> int:
    """One after the other, round and round, until each was asked in vain since any of them last found something."""
    total = in_vain = 0
    for step in cycle(steps):
        taken = _until_none(step)
        total += taken
        in_vain = 1 if taken else in_vain + 1
        if in_vain == len(steps):
            break
    return total


def _until_none(step: Callable[[], int]) -> int:
    """Each to its own end: asking all in turn would ask those that are done again and again."""
    total = 0
    while taken := step():
        total += taken
    return total


def _are_behind(names: set[str]) -> bool:
    with transaction() as session:
        return any(behind for name, behind in readers.lag(connection_of(session)) if name in names)
