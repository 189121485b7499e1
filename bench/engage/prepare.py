"""Preparing a broadcast: for each customer the decision, a gift card, its posting and the rendered push, committed, by
two worker processes; beside the bare database copying the rows that came of it."""

import itertools
import multiprocessing
import os
import time
from multiprocessing.connection import Connection as Pipe
from uuid import UUID

import psycopg

from bench import processes
from bench.database import fresh
from bench.engage import world
from bench.figures import Figure
from bench.turns import settle
from core import clock
from core.db import transaction
from core.settings import Settings
from engage import broadcasts

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS") or 100_000)
WORKERS = 2
_SAYS = {
    "default_locale": "en",
    "push": {"en": {"title": "Thank you", "body": "{{ voucher.worth }} for your next coffee: {{ voucher.code }}"}},
}


def measure() -> list[Figure]:
    """BENCH_CUSTOMERS says how many there are."""
    with fresh() as settings:
        broadcast_id = _write()
        settle(settings.database_url)
        seconds, tenths, peak = _prepare(settings, broadcast_id)
        bare = _bare(settings)
    more = {"tenths_per_s": tenths, "peak_mib": peak, "customers": CUSTOMERS, "workers": WORKERS}
    beside = "INSERT … SELECT of the rows that came of it into tables of the same indexes, one connection"
    return [Figure("engage.prepare", round(CUSTOMERS / seconds, 1), "1/s", beside, round(CUSTOMERS / bare, 1), more)]


def _write() -> UUID:
    segment_id = world.segment(world.people(CUSTOMERS))
    given = {
        "name": "Thanks to all",
        "segment_id": segment_id,
        "channels": ["push"],
        "template": _SAYS,
        "campaign_id": world.gift_cards(CUSTOMERS),
        "holdout_bps": 0,
    }
    with transaction() as session:
        return broadcasts.create(session, given, actor="staff:bench", now=clock.now()).id


def _prepare(settings: Settings, broadcast_id: UUID) -> tuple[float, list[float], float]:
    """Seconds from the start to the last customer; the rate of each tenth of them; the larger worker's MiB."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [multiprocessing.Pipe() for _ in range(WORKERS)]
    workers = [spawn.Process(target=_work, args=(settings, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        ours.recv()  # it is ready
    with transaction() as session:
        broadcasts.start(session, broadcast_id, expected=CUSTOMERS, actor="staff:bench", now=clock.now())
    begun = time.perf_counter()
    for ours, _ in pipes:
        ours.send("go")
    reached = _watch(settings.database_url, broadcast_id, begun)
    peak = max(ours.recv() for ours, _ in pipes)
    for worker in workers:
        worker.join()
    tenths = [round(CUSTOMERS / 10 / (after - before), 1) for before, after in itertools.pairwise(reached)]
    return reached[-1], tenths, peak


def _watch(url: str, broadcast_id: UUID, begun: float) -> list[float]:
    """When each tenth of the customers was committed."""
    reached, wanted = [0.0], [CUSTOMERS * part // 10 for part in range(1, 11)]
    with psycopg.connect(url, autocommit=True) as connection:
        while wanted:
            row = connection.execute(_DONE, [broadcast_id]).fetchone()
            now = time.perf_counter() - begun
            while wanted and row and row[0] >= wanted[0]:
                wanted.pop(0)
                reached.append(now)
            time.sleep(0.05)
    return reached


def _work(settings: Settings, told: Pipe) -> None:
    from app import start
    from core import db
    from engage.broadcasts import work

    start.open_house(settings)
    told.send("ready")
    told.recv()
    while work.work_off(clock.now()):
        pass
    told.send(processes.peak_mib([os.getpid()]))
    db.close_database()


def _bare(settings: Settings) -> float:
    """What the server needs at the very least, without a decision and without a lock."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bench")
        for table in _TABLES:
            connection.execute(
                f"CREATE TABLE bench.{table.replace('.', '_')} (LIKE {table} INCLUDING ALL EXCLUDING GENERATED)"
            )
        begun = time.perf_counter()
        for table in _TABLES:
            connection.execute(f"INSERT INTO bench.{table.replace('.', '_')} TABLE {table}")
        return time.perf_counter() - begun


_TABLES = (
    "rewards.voucher",
    "core.message",
    "engage.inbox_item",
    "engage.broadcast_send",
    "wallet.transfer",
    "wallet.entry",
    "core.event",
)

_DONE = "SELECT coalesce(sum(done), 0) FROM engage.broadcast_part WHERE broadcast_id = %s"
