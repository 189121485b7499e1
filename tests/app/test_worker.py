"""The worker's lines: how soon one looks again, and how it ends."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic, sleep

import pytest

from app import wiring, worker
from app.worker import Worker
from core.db import transaction
from core.events import Reader, readers
from core.work import Work, nudge, nudge_after


class Line:
    """Counts its looks; nothing is ever due."""

    def __init__(self, name: str) -> None:
        self.work = Work(name, self._look)
        self.looks = 0
        self._looked = threading.Condition()

    def _look(self, now: datetime) -> int:
        with self._looked:
            self.looks += 1
            self._looked.notify_all()
        return 0

    def await_looks(self, count: int) -> bool:
        with self._looked:
            return self._looked.wait_for(lambda: self.looks >= count, timeout=5)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls so rarely that only a nudge explains a second look."""
    monkeypatch.setattr(worker.random, "uniform", lambda least, most: 100_000.0)
    monkeypatch.setattr(worker.schedule, "fire_due", lambda lines, now: 0)


@pytest.mark.usefixtures("slow")
def test_nudged_line_looks_at_once_and_others_wait() -> None:
    nudged, left = Line("test.nudged"), Line("test.left")
    running = Worker([], [nudged.work, left.work], [])
    running.start()
    assert nudged.await_looks(1)
    assert left.await_looks(1)

    nudge("test.nudged")

    assert nudged.await_looks(2)
    assert left.looks == 1
    running.stop()


@pytest.mark.usefixtures("slow", "database")
def test_nudge_of_a_transaction_comes_with_its_commit_and_never_without() -> None:
    line = Line("test.committed")
    running = Worker([], [line.work], [])
    running.start()
    assert line.await_looks(1)

    with pytest.raises(RuntimeError), transaction() as session:
        nudge_after(session, "test.committed")
        raise RuntimeError("the deed failed")
    with transaction() as session:
        nudge_after(session, "test.committed")
        nudge_after(session, "test.committed")
        assert line.looks == 1

    assert line.await_looks(2)
    running.stop()


@pytest.mark.usefixtures("slow")
def test_worker_that_is_told_to_stop_does_not_wait_for_its_next_look() -> None:
    line = Line("test.stopped")
    running = Worker([], [line.work], [])
    running.start()
    assert line.await_looks(1)

    begun = monotonic()
    running.stop()

    assert monotonic() - begun < 5


def test_nudge_of_a_line_that_this_process_does_not_work_is_nothing() -> None:
    nudge("test.elsewhere")


@pytest.mark.usefixtures("slow")
def test_reader_goes_on_at_once_while_it_is_behind_and_rests_when_it_has_caught_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = {"test.caught_up": [False, True], "test.behind": [True, True, False, True]}
    looks: dict[str, int] = dict.fromkeys(left, 0)
    rested = threading.Barrier(3)

    def run_batch(reader: Reader, *, now: datetime) -> int:
        looks[reader.name] += 1
        return 3

    def left_some(reader: Reader) -> bool:
        found = left[reader.name].pop(0)
        if not found:
            rested.wait(10)
        return found

    monkeypatch.setattr(worker.readers, "run_batch", run_batch)
    monkeypatch.setattr(worker.readers, "left_some", left_some)
    both = [Reader(name, lambda session, events, now: None, None) for name in left]
    running = Worker(both, [], [])
    running.start()

    rested.wait(10)
    running.stop()

    assert looks == {"test.caught_up": 1, "test.behind": 3}


@pytest.mark.usefixtures("slow")
def test_reader_that_stays_behind_another_looks_as_soon_as_that_one_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    unread, looks, looked_first = [3], threading.Semaphore(0), threading.Event()

    def run_batch(reader: Reader, *, now: datetime) -> int:
        if reader.name == "test.ahead":
            looked_first.wait(5)
            return unread.pop() if unread else 0
        looked_first.set()
        looks.release()
        return 0

    monkeypatch.setattr(worker.readers, "run_batch", run_batch)
    ahead = Reader("test.ahead", lambda session, events, now: None, None)
    running = Worker([ahead, replace(ahead, name="test.behind", behind="test.ahead")], [], [])

    running.start()

    assert looks.acquire(timeout=5)
    assert looks.acquire(timeout=5)
    running.stop()


@pytest.mark.usefixtures("database")
def test_reader_is_never_drained_without_the_one_that_it_stays_behind() -> None:
    behind = Reader("test.behind", lambda session, events, now: None, None, behind="test.ahead")

    with pytest.raises(AssertionError, match="never come to its end"):
        worker.drain([behind], [], now=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.parametrize(("yields", "rested"), [(True, True), (False, False)])
def test_what_nobody_waits_for_rests_between_its_parts_while_something_is_urgent(
    monkeypatch: pytest.MonkeyPatch, yields: bool, rested: bool
) -> None:
    rests = _rests_of(monkeypatch, Work("test.bulk", _parts(3), yields=yields), urgent=1)

    assert (len(rests) > 0) is rested
    assert all(seconds >= 0.01 * worker.YIELDED for seconds in rests)


def test_what_nobody_waits_for_does_not_rest_while_nothing_is_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _rests_of(monkeypatch, Work("test.bulk", _parts(3), yields=True), urgent=0) == []


def _parts(count: int) -> Callable[[datetime], int]:
    """So many parts of ten milliseconds each."""
    left = list(range(count))

    def step(now: datetime) -> int:
        sleep(0.01)
        return 1 if left and left.pop() >= 0 else 0

    return step


def _rests_of(monkeypatch: pytest.MonkeyPatch, bulk: Work, *, urgent: int) -> list[float]:
    """For how long the line made way, each time; `urgent` events are read by a quick reader before it begins."""
    read, done = threading.Event(), threading.Event()

    def run_batch(reader: Reader, *, now: datetime) -> int:
        if read.is_set():
            done.set()  # its second look: what it took first is known
            return 0
        read.set()
        return urgent

    monkeypatch.setattr(worker.readers, "run_batch", run_batch)
    monkeypatch.setattr(worker.readers, "left_some", lambda reader: False)
    monkeypatch.setattr(worker.schedule, "fire_due", lambda lines, now: 0)
    over = threading.Event()

    def step(now: datetime) -> int:
        assert done.wait(5)
        taken = bulk.run(now)
        if not taken:
            over.set()
        return taken

    quick = Reader("test.quick", lambda session, events, now: None, None, rests_seconds=0.01)
    running = Worker([quick], [replace(bulk, run=step)], [])
    rests: list[float] = []
    wait = running._stopping.wait
    monkeypatch.setattr(running._stopping, "wait", lambda seconds=None: bool(rests.append(seconds)) or wait(0))
    running.start()
    assert over.wait(5)
    running.stop()
    return rests


def test_somebody_waits_for_few_readers() -> None:
    quick = {reader.name for reader in wiring.READERS if reader.rests_seconds < readers.UNHURRIED_SECONDS}

    assert quick == {"engage.journeys", "insights.profiles"}


@pytest.mark.usefixtures("database")
def test_who_is_drained_is_asked_until_all_were_asked_in_vain_since_anyone_found_something() -> None:
    """The second gives the first something to do, once; the third never has anything."""
    left, asked = {"first": 0, "second": 2, "third": 0}, Counter[str]()

    def line(name: str) -> Work:
        def run(now: datetime) -> int:
            asked[name] += 1
            taken, left[name] = left[name], 0
            left["first"] += taken if name == "second" else 0
            return taken

        return Work(name, run)

    taken = worker.drain([], [line(name) for name in left], now=datetime(2026, 11, 21, tzinfo=UTC))

    assert taken == 4 and not any(left.values())
    assert asked == {"first": 3, "second": 3, "third": 2}
