"""Parked subjects: they keep their order, and an operator's word never crosses a batch that is under way."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime

import psycopg
import pytest
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import LoggedEvent, Reader, readers, unparking
from core.settings import Settings
from tests.core.log import NOW, drain, parked, two_in_one_slot, wait_for_the_horizon, write

pytestmark = pytest.mark.usefixtures("database")


class Handler:
    """Keeps the numbers it saw; fails on those that it is told to."""

    def __init__(self, *, name: str, fails_on: set[int], limit: int = 200) -> None:
        self.seen: list[int] = []
        self.fails_on = fails_on
        self.reader = Reader(name, self.handle, None, limit=limit)
        readers.register([self.reader])

    def handle(self, session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        for event in events:
            if event.payload["number"] in self.fails_on:
                raise ValueError("a phone number would stand here: +12125550142")
        self.seen += [event.payload["number"] for event in events]


def test_retry_takes_a_subjects_events_in_order_and_frees_it() -> None:
    handler = Handler(name="test.retry", fails_on={1}, limit=2)
    customer = ids.new()
    write(customer, [0, 1, 2, 3, 4])
    drain(handler.reader)
    assert handler.seen == [0]
    assert len(parked()) == 4

    handler.fails_on.clear()

    assert unparking.retry(handler.reader, str(customer), now=NOW) == 4
    assert handler.seen == [0, 1, 2, 3, 4]
    assert parked() == []


def test_a_retry_that_fails_again_changes_nothing() -> None:
    handler = Handler(name="test.fails.again", fails_on={1})
    customer = ids.new()
    write(customer, [1, 2])
    drain(handler.reader)
    before = parked()

    with pytest.raises(ValueError, match="phone"):
        unparking.retry(handler.reader, str(customer), now=NOW)

    assert parked() == before


def test_skipping_gives_up_the_first_event_only() -> None:
    handler = Handler(name="test.skip", fails_on={1})
    customer = ids.new()
    write(customer, [1, 2])
    drain(handler.reader)

    assert unparking.skip_first(handler.reader, str(customer))
    assert unparking.retry(handler.reader, str(customer), now=NOW) == 1
    assert handler.seen == [2]
    assert not unparking.skip_first(handler.reader, str(customer))


def test_what_is_kept_of_an_error_holds_none_of_its_words() -> None:
    handler = Handler(name="test.words", fails_on={1})
    write(ids.new(), [1])

    drain(handler.reader)

    assert parked()[0][1] == f"ValueError at handle:{Handler.handle.__code__.co_firstlineno + 3}"


def test_a_retry_waits_for_the_batch_that_queues_events_behind_its_subject(settings: Settings) -> None:
    broken, other = two_in_one_slot()
    handler = Handler(name="test.race", fails_on={1})
    write(broken, [1])
    drain(handler.reader)
    assert len(parked()) == 1

    retried: list[int] = []
    retrying = threading.Thread(
        target=lambda: retried.append(unparking.retry(Reader("test.race", handler.handle, None), str(broken), now=NOW))
    )

    def handle_while_an_operator_retries(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        if not retrying.ident:
            handler.fails_on.clear()
            retrying.start()
            until_it_waits_or_ends(settings, retrying)
        handler.handle(session, events, now)

    write(broken, [2])
    write(other, [3])
    drain(Reader("test.race", handle_while_an_operator_retries, None))
    retrying.join()

    assert parked() == [], "an event that queued behind a subject just freed would wait for ever"
    assert retried == [2]
    assert sorted(handler.seen) == [1, 2, 3]


def until_it_waits_or_ends(settings: Settings, thread: threading.Thread) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as watcher:
        while thread.is_alive():
            waiting = watcher.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
            if waiting and waiting[0]:
                return
            time.sleep(0.005)


def test_a_handler_that_breaks_a_rule_only_at_commit_parks_its_customer() -> None:
    broken, fine = ids.new(), ids.new()

    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        for event in events:
            connection_of(session).execute("INSERT INTO deferred_rule VALUES (%s)", [event.payload["number"]])

    with transaction() as session:
        connection_of(session).execute(
            "CREATE TABLE deferred_rule (number int CONSTRAINT uq_deferred UNIQUE DEFERRABLE INITIALLY DEFERRED)"
        )
    try:
        reader = Reader("test.deferred", handle, None)
        readers.register([reader])
        write(fine, [1])
        drain(reader)
        write(broken, [1])
        write(fine, [2])
        drain(reader)
    finally:
        with transaction() as session:
            connection_of(session).execute("DROP TABLE deferred_rule")

    assert [subject for subject, _ in parked()] == [str(broken)]


@pytest.mark.parametrize(
    ("limit", "taken", "seconds", "expected"),
    [
        (200, 200, 0.2, 100),  # long: half
        (70, 70, 5.0, 64),  # never below what a batch of its own price is worth
        (100, 100, 0.02, 200),  # full and short: twice
        (200, 200, 0.02, 200),  # never more than the reader's own
        (100, 100, 0.1, 100),  # in between: as it is
        (100, 10, 0.02, 100),  # nearly empty tells nothing
    ],
)
def test_batches_end_by_time(limit: int, taken: int, seconds: float, expected: int) -> None:
    assert readers.next_limit(limit, taken=taken, seconds=seconds, most=200) == expected


@pytest.mark.parametrize(("is_alone", "second"), [(False, 64), (True, 80)])
def test_a_batch_that_nobody_waits_for_is_whole_however_long_the_last_one_was(is_alone: bool, second: int) -> None:
    sizes: list[int] = []

    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        sizes.append(len(events))
        time.sleep(0.13)

    reader = Reader(f"test.alone.{is_alone}", handle, None, limit=80)
    readers.register([reader])
    write(ids.new(), list(range(160)))
    wait_for_the_horizon()

    for _ in range(2):
        readers.run_batch(reader, now=NOW, is_alone=is_alone)

    assert sizes == [80, second]
