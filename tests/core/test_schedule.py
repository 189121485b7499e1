"""What runs when: once over all workers, and once for however many times were missed."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core import schedule
from core.db import transaction
from core.partitions import ensure_ahead
from core.work import Schedule

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Line:
    def __init__(self, cron: str = "0 * * * *", *, name: str = "test.hourly") -> None:
        self.fired: list[datetime] = []
        self.schedule = Schedule(name, cron, self.fired.append)

    def at(self, *instants: datetime) -> list[datetime]:
        for instant in instants:
            schedule.fire_due([self.schedule], now=instant)
        return self.fired


def after(**delta: int) -> datetime:
    return NOON + timedelta(**delta)


@pytest.mark.usefixtures("database")
def test_a_new_line_waits_for_its_next_time() -> None:
    line = Line()

    assert line.at(after(minutes=30)) == []
    assert line.at(after(minutes=59), after(minutes=60)) == [after(minutes=60)]


@pytest.mark.usefixtures("database")
def test_a_line_fires_once_for_each_time() -> None:
    assert Line().at(NOON, after(hours=1), after(hours=1, seconds=1), after(hours=2)) == [
        after(hours=1),
        after(hours=2),
    ]


@pytest.mark.usefixtures("database")
def test_what_was_missed_fires_once() -> None:
    assert Line().at(NOON, after(days=3, minutes=5), after(days=3, minutes=6)) == [after(days=3, minutes=5)]


@pytest.mark.usefixtures("database")
def test_a_clock_that_goes_back_fires_nothing() -> None:
    assert Line().at(NOON, after(days=-300)) == []


@pytest.mark.usefixtures("database")
def test_many_workers_fire_a_line_once() -> None:
    line = Line()
    line.at(NOON)
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        schedule.fire_due([line.schedule], now=after(hours=1))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert line.fired == [after(hours=1)]


@pytest.mark.usefixtures("database")
def test_a_line_that_fails_does_not_stop_the_others() -> None:
    def fail(now: datetime) -> None:
        raise ValueError("broken")

    broken, fine = Schedule("test.broken", "0 * * * *", fail), Line(name="test.fine")
    schedule.fire_due([broken, fine.schedule], now=NOON)

    with pytest.raises(ValueError, match="broken"):
        schedule.fire_due([broken, fine.schedule], now=after(hours=1))
    schedule.fire_due([broken, fine.schedule], now=after(hours=1))

    assert fine.fired == [after(hours=1)]


@pytest.mark.usefixtures("database")
def test_partitions_are_made_by_the_real_clock_and_only_once() -> None:
    ensure_ahead(datetime(2017, 11, 1, tzinfo=UTC))
    ensure_ahead()

    with transaction() as session:
        names = session.execute(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'core.event'::regclass")
        ).scalars().all()  # fmt: skip
    assert "core.event_default" in names
    assert not [name for name in names if "2017" in name]
