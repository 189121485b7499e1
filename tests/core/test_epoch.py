"""A logical restore starts transaction ids anew: nothing that was unread is lost, nothing is read twice."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import LoggedEvent, Reader, epoch, readers
from core.events.announce import _APPEND, columns_of
from tests.core.log import NOW, counted, drain, write


@pytest.fixture
def first_life(database: None) -> Iterator[int]:
    """The epoch before the restore; what the test does to the cluster's row is undone after it."""
    before = epoch.ensure()
    yield before
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("UPDATE core.cluster SET epoch = %s", [before])
        for (table,) in connection.execute("SELECT table_name FROM core.epoch_kept").fetchall():
            connection.execute(f"ALTER TABLE {table} ALTER COLUMN epoch SET DEFAULT {before}")


def as_if_restored_elsewhere() -> None:
    with transaction() as session:
        connection_of(session).execute("UPDATE core.cluster SET system_identifier = 42")


def test_the_same_cluster_keeps_its_epoch(first_life: int) -> None:
    assert epoch.ensure() == first_life


def test_another_cluster_raises_the_epoch_once(first_life: int) -> None:
    as_if_restored_elsewhere()

    assert [epoch.ensure(), epoch.ensure()] == [first_life + 1, first_life + 1]


def test_events_with_low_transaction_ids_follow_those_before_the_restore(first_life: int) -> None:
    seen: list[int] = []

    def handle(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        seen.extend(event.payload["number"] for event in events)

    reader = Reader("test.epoch", handle, None)
    readers.register([reader])
    customer = ids.new()
    write(customer, [1])
    drain(reader)
    # Written before the restore, unread, and of a transaction id that the new cluster has not reached.
    with transaction() as session:
        connection = connection_of(session)
        by_hand = _APPEND.replace("(id,", "(xid, id,", 1).replace("SELECT id", "SELECT '9000000000000'::xid8, id")
        connection.execute(by_hand, columns_of([counted(2, customer)], [ids.new()]))
    assert readers.run_batch(reader, now=NOW) == 0, "above the horizon in its own epoch"

    as_if_restored_elsewhere()
    epoch.ensure()
    write(customer, [3])
    drain(reader)
    write(customer, [4])
    drain(reader)

    assert seen == [1, 2, 3, 4]
