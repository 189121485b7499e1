"""The event log: announcing beside a bare INSERT, draining beside a bare SELECT of the same rows."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import psycopg
from psycopg.types.json import Json
from sqlalchemy.orm import Session

from bench.database import fresh
from bench.figures import Figure, rate
from core import ids
from core.db import statement, transaction
from core.events import Event, LoggedEvent, Reader, announce, announce_all, readers
from core.settings import Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ONE_BY_ONE, IN_BULK, A_STATEMENT, POLLS = 1_000, 10_000, 100, 300
CUSTOMERS = [ids.new() for _ in range(2_000)]
IDLE_READERS = 10


@dataclass(frozen=True, kw_only=True)
class Bought(Event):
    name: ClassVar[str] = "bench.bought"
    log_only: ClassVar[bool] = True
    amount_minor: int
    currency: str = "USD"


def measure() -> list[Figure]:
    """One writer and one reader each, on one connection; then two readers; then what idle readers cost."""
    with fresh() as settings:
        with statement() as connection:
            connection.execute(_PLAIN)
        announced = [
            Figure(
                "events.announce",
                rate(announce_singly),
                "events/s",
                "INSERT of the same row into a plain table, psycopg autocommit",
                rate(insert_singly),
            ),
            Figure(
                f"events.announce_all of {A_STATEMENT}",
                rate(announce_in_bulk),
                "events/s",
                f"INSERT of the same {A_STATEMENT} rows a statement into a plain table",
                rate(insert_in_bulk),
            ),
        ]
        with statement() as connection:
            connection.execute("ANALYZE core.event")
        selected = rate(lambda: select_all(settings))
        one, two = (rate(lambda workers=workers: drain(workers)) for workers in (1, 2))  # type: ignore[misc]
        beside = "SELECT of the same rows, 200 a fetch"
        return [
            *announced,
            Figure("events.drain, 1 worker", one, "events/s", beside, selected),
            Figure("events.drain, 2 workers", two, "events/s", beside, selected),
            Figure("events.idle poll", rate(idle_polls()), "polls/s", "SELECT 1 in a transaction", rate(select_one)),
        ]


def bought(number: int) -> Bought:
    return Bought(customer_id=CUSTOMERS[number % len(CUSTOMERS)], occurred_at=NOW, amount_minor=number)


def announce_singly() -> int:
    for number in range(ONE_BY_ONE):
        with transaction() as session:
            announce(session, bought(number))
    return ONE_BY_ONE


def announce_in_bulk() -> int:
    for first in range(0, IN_BULK, A_STATEMENT):
        with transaction() as session:
            announce_all(session, [bought(number) for number in range(first, first + A_STATEMENT)])
    return IN_BULK


# The columns of the log without its partitions, indexes, slots and positions.
_PLAIN = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.plain (id uuid, name text, customer_id uuid, occurred_at timestamptz, payload jsonb)
"""


def insert_singly() -> int:
    with statement() as connection:
        for number in range(ONE_BY_ONE):
            connection.execute("INSERT INTO bench.plain VALUES (%s, %s, %s, %s, %s)", _row(number))
    return ONE_BY_ONE


def insert_in_bulk() -> int:
    with statement() as connection:
        for first in range(0, IN_BULK, A_STATEMENT):
            columns = zip(*(_row(number) for number in range(first, first + A_STATEMENT)), strict=True)
            connection.execute(
                "INSERT INTO bench.plain SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[],"
                " %s::jsonb[])",
                [list(column) for column in columns],
            )
    return IN_BULK


def _row(number: int) -> list[object]:
    event = bought(number)
    return [ids.new(), event.name, event.customer_id, event.occurred_at, Json(event.payload())]


def select_all(settings: Settings) -> int:
    """Every event, as a client reads them that has nothing to lock, order or remember."""
    read = 0
    with psycopg.connect(settings.database_url) as connection, connection.cursor(name="bench") as cursor:
        cursor.itersize = 200
        cursor.execute("SELECT * FROM core.event")
        for _ in cursor:
            read += 1
    return read


_runs = iter(range(1_000))


def drain(workers: int) -> int:
    """A new reader takes the whole log with a handler that does nothing."""
    reader = Reader(f"bench.drain.{next(_runs)}", _nothing, None)
    readers.register([reader])
    counts = [0] * workers

    def work(worker: int) -> None:
        while taken := readers.run_batch(reader, now=NOW):
            counts[worker] += taken

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def idle_polls() -> Callable[[], int]:
    """Readers that have read everything ask again."""
    idle = [Reader(f"bench.idle.{number}", _nothing, None) for number in range(IDLE_READERS)]
    readers.register(idle)
    for reader in idle:
        while readers.run_batch(reader, now=NOW):
            pass

    def poll() -> int:
        for number in range(POLLS):
            readers.run_batch(idle[number % len(idle)], now=NOW)
        return POLLS

    return poll


def select_one() -> int:
    for _ in range(POLLS):
        with transaction() as session:
            session.connection().exec_driver_sql("SELECT 1")
    return POLLS


_nothing: Callable[[Session, Sequence[LoggedEvent], datetime], None] = lambda session, events, now: None  # noqa: E731
