"""The clock. Only entry points (views, workers, commands) read it; everything below is handed `now`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _system


def now() -> datetime:
    """The current instant, aware, UTC: the system's, or the simulated one while a demo or test plays."""
    return _read()


def is_simulated() -> bool:
    return _read is not _system


@contextmanager
def simulated(read: Callable[[], datetime]) -> Iterator[None]:
    """For the length of the block every entry point of this process reads this clock instead."""
    global _read
    before, _read = _read, read
    try:
        yield
    finally:
        _read = before
