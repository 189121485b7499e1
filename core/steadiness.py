"""The host's clock, watched: a step of it is believed only where the database's clock went the same way.

Limits renew, holds and lots lapse and codes rotate by this clock. A step (a wrong time server, a paused machine) shows
against the monotonic clock, which nothing can set; then the database, often another machine, is asked.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from core import clock
from core.db import connection_of, transaction
from core.errors import Kind, Refusal

#: Time servers slew by less than this in any life of a process; a step is more.
TOLERANCE = timedelta(seconds=5)


class ClockJumped(Refusal):
    code = "clock_jumped"
    kind = Kind.UNAVAILABLE
    title = "Our clock cannot be trusted just now; the same request may be sent again"
    retry_after_seconds = 5


class Watch:
    """wall, steady: seconds of the clock that can be set, and of the one that cannot; ask: another machine's clock."""

    def __init__(
        self,
        ask: Callable[[], datetime],
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._wall, self._steady = ask, wall, steady
        self._between = wall() - steady()
        self._lock = threading.Lock()

    def check(self) -> None:
        """raises  ClockJumped while the clock has stepped and the other one does not agree"""
        between = self._wall() - self._steady()
        if abs(between - self._between) <= TOLERANCE.total_seconds():
            return
        with self._lock:
            now = datetime.fromtimestamp(self._wall(), UTC)
            if abs(self._ask() - now) > TOLERANCE:
                raise ClockJumped
            self._between = between


def _database_time() -> datetime:
    with transaction() as session:
        row = connection_of(session).execute("SELECT clock_timestamp()").fetchone()
    assert row, "a query without a table always has a row"
    told: datetime = row[0]
    return told


_watch = Watch(_database_time)


def check() -> None:
    """Refuse where time is about to matter and the clock has jumped. A simulated clock is not the host's.

    raises  ClockJumped
    """
    if not clock.is_simulated():
        _watch.check()
