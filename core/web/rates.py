"""Rates: how many requests a minute anyone may make.

Each process counts for itself, in memory, so that a request costs a look into a dictionary and no statement. Who has
used a tenth of what they may in one process is told to the others, once a second and beside all requests; so they have
what they may over all processes together, within a second, and most callers never reach the database.
"""

import logging
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core import crypto
from core.db import statement
from core.errors import Kind, Refusal
from core.settings import Settings

_WINDOW_SECONDS = 60
_EXCHANGE_SECONDS = 1.0
#: From such a share of what one may on, the other processes are told.
_TOLD_FROM = 10
#: Who come in a minute beyond so many are not counted: a dictionary must not grow by whoever makes addresses up.
_MOST_SUBJECTS = 200_000
_KEPT_SECONDS = 300

_log = logging.getLogger("pocketful.rates")


@dataclass(frozen=True, slots=True)
class Standing:
    """What one may still ask for: `left` requests within `resets_in_seconds`, of `most` a minute."""

    most: int
    left: int
    resets_in_seconds: int


class RateLimited(Refusal):
    code = "rate_limited"
    kind = Kind.LIMITED
    title = "Too many requests within a minute; wait"

    def __init__(self, standing: Standing) -> None:
        super().__init__()
        self.standing = standing
        self.retry_after_seconds = standing.resets_in_seconds


@dataclass(slots=True)
class Counts:
    """One process's counts of the minute that runs.

    asked  by subject, as far as known: here, and in the other processes at the last exchange
    fresh  what of it was counted here since then
    """

    minute: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, subject: str, most: int, seconds: float) -> Standing:
        """Count one more request.

        raises  RateLimited beyond `most`
        """
        minute, within = divmod(seconds, _WINDOW_SECONDS)
        with self.lock:
            if minute != self.minute:
                self.minute = int(minute)
                self.asked, self.fresh, self.most = {}, {}, {}
            asked = self.asked.get(subject, 0) + 1
            if asked > 1 or len(self.asked) < _MOST_SUBJECTS:
                self.asked[subject], self.most[subject] = asked, most
                self.fresh[subject] = self.fresh.get(subject, 0) + 1
        resets_in = math.ceil(_WINDOW_SECONDS - within)
        standing = Standing(most, max(0, most - asked), resets_in)
        if asked > most:
            raise RateLimited(standing)
        return standing

    def exchange(self) -> int:
        """Tell the other processes who asked for much here, and hear of what they asked for there; returns of how
        many was told."""
        with self.lock:
            minute = self.minute
            told = {
                subject: self.fresh.pop(subject)
                for subject in list(self.fresh)
                if self.asked[subject] * _TOLD_FROM >= self.most[subject]
            }
        if not told:
            return 0
        index_of = {crypto.blind_index("core.rate", subject): subject for subject in told}
        counts = [told[subject] for subject in index_of.values()]
        began = datetime.fromtimestamp(minute * _WINDOW_SECONDS, UTC)
        with statement() as connection:
            rows = connection.execute(_EXCHANGE, [began, list(index_of), counts]).fetchall()
        with self.lock:
            if minute == self.minute:
                for index, count in rows:
                    subject = index_of[bytes(index)]
                    self.asked[subject] = count + self.fresh.get(subject, 0)
        return len(told)


_EXCHANGE = """
    INSERT INTO core.rate AS r (subject, minute, count)
    SELECT subject, %b::timestamptz, count FROM unnest(%b::bytea[], %b::int[]) AS t (subject, count) ORDER BY subject
    ON CONFLICT (subject, minute) DO UPDATE SET count = r.count + excluded.count
    RETURNING subject, count
"""

_FORGET = "DELETE FROM core.rate WHERE minute < %b"

_most: Mapping[str, int] = {}
_counts = Counts()
_teller: threading.Thread | None = None
_starting = threading.Lock()


def load(settings: Settings) -> None:
    """What each kind of caller may ask for from now on."""
    global _most
    _most = settings.requests_a_minute


def check(kind: str, subject: str) -> Standing | None:
    """Count one more request of a caller; None where its kind may ask for any number.

    kind     "customer", "staff", "terminal", "source" or "address"
    raises   RateLimited
    effects  the first one starts the thread that speaks with the other processes
    """
    most = _most.get(kind)
    if not most:
        return None
    if _teller is None:
        _start()
    return _counts.count(subject, most, time.time())


def exchange() -> int:
    """`Counts.exchange` of this process."""
    return _counts.exchange()


def forget(now: datetime) -> None:
    """Drop the minutes that are over."""
    with statement() as connection:
        connection.execute(_FORGET, [datetime.fromtimestamp(now.timestamp() - _KEPT_SECONDS, UTC)])


def _start() -> None:
    global _teller
    with _starting:
        if _teller is None:
            _teller = threading.Thread(target=_tell, name="rates", daemon=True)
            _teller.start()


def _tell() -> None:
    while True:
        time.sleep(_EXCHANGE_SECONDS)
        try:
            exchange()
        except Exception as error:  # counted here alone, until the database is there again
            _log.warning("rates are not told to the other processes: %s", type(error).__name__)
