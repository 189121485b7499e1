"""The worker's lines: how soon one looks again, and how it ends."""

import threading
from datetime import datetime
from time import monotonic

import pytest

from app import worker
from app.worker import Worker
from core.db import transaction
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
    monkeypatch.setattr(worker, "SHORTEST_SECONDS", 3_600.0)
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
