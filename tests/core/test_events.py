"""The log and its readers: exactly once, in order for each customer, nothing lost behind a late commit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import db, ids
from core.db import connection_of, transaction
from core.events import Event, LoggedEvent, Reader, announce, announce_all, log, reached, readers
from core.events.announce import ChainTooLong, append
from core.events.log import slot_of
from core.settings import Settings
from tests.core.log import drain, wait_for_the_horizon

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class TestHappened(Event):
    __test__: ClassVar[bool] = False
    name: ClassVar[str] = "test.happened"
    log_only: ClassVar[bool] = True
    number: int


def happened(number: int, customer_id: UUID) -> TestHappened:
    return TestHappened(number=number, customer_id=customer_id, occurred_at=NOW)


def keeping(seen: list[tuple[UUID | None, int]]) -> Reader:
    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        seen.extend((event.customer_id, event.payload["number"]) for event in events)

    reader = Reader("test.keeping", handle, frozenset({"test.happened"}))
    readers.register([reader])
    return reader


@pytest.mark.usefixtures("database")
def test_a_reader_sees_each_event_once_and_in_order_for_each_customer() -> None:
    customers = [ids.new() for _ in range(20)]
    with transaction() as session:
        announce_all(session, [happened(n, customer) for n in range(30) for customer in customers])
    seen: list[tuple[UUID | None, int]] = []
    reader = keeping(seen)

    drain(reader)

    for customer in customers:
        assert [number for owner, number in seen if owner == customer] == list(range(30))
    assert drain(reader) == 0


def test_an_event_that_commits_late_is_not_lost(database: None, settings: Settings) -> None:
    customer = ids.new()
    seen: list[tuple[UUID | None, int]] = []
    reader = keeping(seen)
    late = psycopg.connect(settings.database_url)

    append(late, [happened(1, customer)])
    with transaction() as session:
        announce(session, happened(2, customer))

    assert readers.run_batch(reader, now=NOW) == 0, "nothing may be read past a transaction that is still open"
    late.commit()
    late.close()
    drain(reader)

    assert sorted(number for _, number in seen) == [1, 2]


@pytest.mark.usefixtures("database")
def test_an_event_that_fails_parks_its_customer_alone() -> None:
    broken, fine = ids.new(), ids.new()
    seen: list[int] = []

    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        for event in events:
            if event.customer_id == broken and event.payload["number"] == 1:
                raise ValueError("this one cannot be handled")
            seen.append(event.payload["number"])

    reader = Reader("test.parking", handle, None)
    readers.register([reader])
    with transaction() as session:
        announce_all(session, [happened(n, owner) for n in range(3) for owner in (broken, fine)])

    drain(reader)

    with transaction() as session:
        parked = session.execute(text("SELECT subject, error FROM core.reader_parked ORDER BY event_id")).all()
    assert [row.subject for row in parked] == [str(broken), str(broken)]
    assert parked[0].error.startswith("ValueError")
    with transaction() as session:
        assert readers.has_read(connection_of(session), reader.name, fine, until=NOW)
        assert not readers.has_read(connection_of(session), reader.name, broken, until=NOW)


@pytest.mark.usefixtures("database")
def test_effects_and_offset_commit_together() -> None:
    customer = ids.new()
    fails = [True]

    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        connection_of(session).execute("INSERT INTO core.schedule VALUES (%s, now())", [str(events[0].id)])
        if fails[0]:
            raise db.Busy

    reader = Reader("test.effects", handle, None)
    readers.register([reader])
    with transaction() as session:
        announce(session, happened(1, customer))

    with pytest.raises(db.Busy):
        drain(reader)
    fails[0] = False
    drain(reader)

    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM core.schedule")).scalar_one() == 1


@pytest.mark.usefixtures("database")
def test_two_workers_share_the_slots_without_doubling() -> None:
    customers = [ids.new() for _ in range(40)]
    with transaction() as session:
        announce_all(session, [happened(n, customer) for n in range(20) for customer in customers])
    seen: list[tuple[UUID | None, int]] = []
    reader = keeping(seen)

    workers = [threading.Thread(target=drain, args=(reader,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    drain(reader)

    assert len(seen) == 800
    assert len(set(seen)) == 800


@pytest.mark.usefixtures("database")
def test_reader_that_keeps_up_takes_what_there_is_in_one_batch() -> None:
    with transaction() as session:
        announce_all(session, [happened(1, ids.new()) for _ in range(200)])
    reader = keeping([])
    wait_for_the_horizon()

    assert readers.run_batch(reader, now=NOW) == 200
    assert not readers.left_some(reader)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("customers", [1, 40], ids=["one slot", "many slots"])
def test_reader_is_behind_until_a_batch_left_nothing(customers: int) -> None:
    owners = [ids.new() for _ in range(customers)]
    with transaction() as session:
        announce_all(session, [happened(place, owners[place % customers]) for place in range(120)])
    reader = replace(keeping([]), name=f"test.few.{customers}", limit=50)
    readers.register([reader])
    wait_for_the_horizon()

    taken = []
    while not taken or readers.left_some(reader):
        taken.append(readers.run_batch(reader, now=NOW))

    assert sum(taken) == 120
    assert len(taken) > 2


@pytest.mark.usefixtures("database")
def test_has_read_waits_for_events_that_occurred_before() -> None:
    customer = ids.new()
    reader = keeping([])
    with transaction() as session:
        announce(session, happened(1, customer))

    with transaction() as session:
        connection = connection_of(session)
        assert not readers.has_read(connection, reader.name, customer, until=NOW)
        assert readers.has_read(connection, reader.name, customer, until=NOW - timedelta(seconds=1))


@pytest.mark.usefixtures("database")
def test_have_read_answers_for_many_in_the_order_asked() -> None:
    read, unread = ids.new(), ids.new()
    reader = keeping([])
    with transaction() as session:
        announce(session, happened(1, read))
    drain(reader)
    with transaction() as session:
        announce(session, happened(2, unread))

    before = NOW - timedelta(seconds=1)
    asked = [(unread, NOW), (read, NOW), (unread, before), (ids.new(), NOW), (unread, NOW)]
    with transaction() as session:
        assert readers.have_read(connection_of(session), reader.name, asked) == [False, True, True, True, False]
        assert readers.have_read(connection_of(session), "nobody", asked[:1]) == [False]
        assert readers.have_read(connection_of(session), reader.name, []) == []


@pytest.mark.usefixtures("database")
def test_a_chain_of_causes_ends() -> None:
    with pytest.raises(ChainTooLong), transaction() as session:
        announce(session, TestHappened(number=1, occurred_at=NOW, depth=13))


@pytest.mark.usefixtures("database")
def test_the_log_is_written_once() -> None:
    with transaction() as session:
        announce(session, happened(1, ids.new()))

    with pytest.raises(Exception, match="written once"), transaction() as session:
        session.execute(text("UPDATE core.event SET name = 'other'"))


@pytest.mark.usefixtures("database")
def test_python_and_the_database_agree_on_slots() -> None:
    customers = [ids.new() for _ in range(50)]
    with transaction() as session:
        rows = session.execute(
            text("SELECT id, core.slot_of(id, NULL) FROM unnest(:ids) AS id"), {"ids": customers}
        ).all()
    assert all(slot == slot_of(customer) for customer, slot in rows)


def test_has_read_waits_for_who_still_writes(database: None, settings: Settings) -> None:
    customer = ids.new()
    reader = keeping([])
    with psycopg.connect(settings.database_url) as writing:
        append(writing, [happened(1, customer)])
        until = datetime.now(UTC)
        with transaction() as session:
            assert not readers.has_read(connection_of(session), reader.name, customer, until=until)
        writing.rollback()

    with transaction() as session:
        assert readers.has_read(connection_of(session), reader.name, customer, until=until)


def test_has_read_waits_for_who_may_yet_write(database: None, settings: Settings) -> None:
    customer = ids.new()
    reader = keeping([])
    with psycopg.connect(settings.database_url) as deciding:
        deciding.execute("SELECT 1")  # an entry point reads first: it has no transaction id to be seen by
        until = datetime.now(UTC)
        with transaction() as session:
            assert not readers.has_read(connection_of(session), reader.name, customer, until=until)
        append(deciding, [replace(happened(1, customer), occurred_at=until)])
        deciding.commit()

    with transaction() as session:
        assert not readers.has_read(connection_of(session), reader.name, customer, until=until)


def test_has_read_does_not_wait_for_who_only_reads_for_long(
    database: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = ids.new()
    reader = keeping([])
    with psycopg.connect(settings.database_url) as dumping:
        dumping.execute("SELECT 1")
        until = datetime.now(UTC)
        monkeypatch.setattr(reached, "_LONGEST_BEFORE_WRITING", timedelta(0))
        with transaction() as session:
            assert readers.has_read(connection_of(session), reader.name, customer, until=until)


@pytest.mark.usefixtures("database")
def test_log_is_busy_for_a_while_after_each_event() -> None:
    with transaction() as session:
        connection = connection_of(session)
        assert not log.is_busy(connection, within=timedelta(hours=1))
        announce(session, happened(1, ids.new()))
        assert log.is_busy(connection, within=timedelta(hours=1))
        assert not log.is_busy(connection, within=timedelta(hours=-1))
