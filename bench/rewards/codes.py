"""A million codes, made by one worker, while a reader follows the log: how long, in how much memory, how far behind."""

import multiprocessing
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from time import perf_counter
from typing import ClassVar
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from bench import processes
from bench.database import fresh
from bench.figures import Figure
from core import clock, crypto, db, ids
from core.db import connection_of, transaction
from core.events import Event, LoggedEvent, Reader, announce, readers
from core.settings import Settings
from rewards import campaigns
from rewards.campaigns import Draft
from rewards.vouchers import batches, work

CODES = int(os.environ.get("BENCH_CODES") or 1_000_000)
PATTERN = {"prefix": "SUN", "length": 12, "alphabet": "crockford", "has_check": True}
PROBE_SECONDS = 0.05


class Probed(Event):
    name: ClassVar[str] = "bench.probed"
    log_only: ClassVar[bool] = True


def measure() -> list[Figure]:
    """BENCH_CODES says how many; the figure is in seconds for all of them."""
    with fresh() as settings:
        batch_id = _ask()
        probe = _Probe()
        probe.start()
        seconds, peak_mib = _make(settings)
        probe.end()
        with transaction() as session:
            assert batches.find(session, batch_id).made == CODES
        bare = _bare(settings)
    more = {
        "peak_mib": peak_mib,
        "longest_lag_events": probe.longest_lag,
        "longest_delay_ms": round(probe.longest_delay_seconds * 1_000),
        "median_delay_ms": round(probe.median_delay_seconds * 1_000),
        "codes": CODES,
    }
    beside = "INSERT … SELECT of the same rows into a table of the same indexes"
    return [Figure("rewards.codes_1m_s", seconds, "s", beside, bare, more)]


def _ask() -> UUID:
    now = datetime.now(UTC)
    draft = Draft(
        name="A million",
        kind="coupon",
        discount={"kind": "amount", "amount_minor": 500},
        currency="USD",
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=30),
    )
    with transaction() as session:
        campaign_id = campaigns.create(session, draft, actor="staff:bench", now=now)
        batch = batches.ask_for_codes(
            session,
            campaign_id=campaign_id,
            count=CODES,
            pattern=PATTERN,
            source="bench",
            actor="staff:bench",
            now=now,
        )
    return batch.id


def _make(settings: Settings) -> tuple[float, float]:
    """Seconds and MiB of a worker, which is a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(settings, theirs))
    worker.start()
    told: tuple[float, float] = ours.recv()
    worker.join()
    return told


def _work(settings: Settings, told: Pipe) -> None:
    db.open_database(settings)
    crypto.load_keys(settings)
    begun = perf_counter()
    while work.work_off(clock.now()):
        pass
    told.send((round(perf_counter() - begun, 2), processes.peak_mib([os.getpid()])))
    db.close_database()


class _Probe:
    """Announces an event every so often, and follows the log as a worker's reader does."""

    def __init__(self) -> None:
        self.longest_lag = 0
        self._delays: list[float] = []
        self._sent: dict[UUID, float] = {}
        self._ending = threading.Event()
        self._reader = Reader("bench.codes", self._read, frozenset({Probed.name}))
        self._threads = [threading.Thread(target=each) for each in (self._announce, self._follow)]

    def start(self) -> None:
        readers.register([self._reader])
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    @property
    def longest_delay_seconds(self) -> float:
        return max(self._delays, default=0.0)

    @property
    def median_delay_seconds(self) -> float:
        return sorted(self._delays)[len(self._delays) // 2] if self._delays else 0.0

    def _announce(self) -> None:
        while not self._ending.wait(PROBE_SECONDS):
            with transaction() as session:
                made = announce(session, Probed(customer_id=ids.new(), occurred_at=clock.now()))
                self._sent[made] = perf_counter()
            with transaction() as session:
                behind = dict(readers.lag(connection_of(session)))
            self.longest_lag = max(self.longest_lag, behind.get(self._reader.name, 0))

    def _follow(self) -> None:
        while not self._ending.is_set():
            if not readers.run_batch(self._reader, now=clock.now()):
                self._ending.wait(0.005)

    def _read(self, session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        for event in events:
            self._delays.append(perf_counter() - self._sent.pop(event.id))


def _bare(settings: Settings) -> float:
    """What the server needs at the very least."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bench; CREATE TABLE bench.voucher (LIKE rewards.voucher INCLUDING ALL)")
        begun = perf_counter()
        connection.execute("INSERT INTO bench.voucher SELECT * FROM rewards.voucher")
        return round(perf_counter() - begun, 2)
