"""The worker's lines: how soon one looks again, and how it ends."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

import pytest

from app import wiring, worker
from app.worker import Worker
from core.db import transaction
from core.events import Reader
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
def test_reader_rests_after_a_small_batch_and_goes_on_at_once_after_a_full_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: dict[str, list[int]] = {"test.small": [1, 1], "test.full": [25, 25, 3, 3]}
    rested = threading.Barrier(3)

    def run_batch(reader: Reader, *, now: datetime) -> int:
        taken = looks[reader.name].pop(0)
        if taken < 25:
            rested.wait(10)
        return taken

    monkeypatch.setattr(worker.readers, "run_batch", run_batch)
    both = [Reader(name, lambda session, events, now: None, None, limit=100) for name in looks]
    running = Worker(both, [], [])
    running.start()

    rested.wait(10)
    running.stop()

    assert looks == {"test.small": [1], "test.full": [3]}


def test_readers_that_rest_less_are_readers_of_ours() -> None:
    assert worker.QUICK_SECONDS.keys() <= {reader.name for reader in wiring.READERS}


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
