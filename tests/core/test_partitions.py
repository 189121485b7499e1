"""Month partitions are made ahead, and one month that cannot be made stops no other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from core import ids
from core.db import Connection, connection_of, transaction

# Further ahead than any partition that the migrations made.
MAY = datetime(2031, 5, 10, tzinfo=UTC)


class _Undo(Exception):
    """Ends the transaction without a trace: what was made in it is no other test's."""


@pytest.fixture
def connection(database: None) -> Iterator[Connection]:
    try:
        with transaction() as session:
            yield connection_of(session)
            raise _Undo
    except _Undo:
        pass


def test_the_months_ahead_are_made_for_every_table(connection: Connection) -> None:
    ensure(connection)

    for table in ("core.event", "core.message", "wallet.entry"):
        assert [exists(connection, f"{table}_2031_{month}") for month in ("05", "06", "07", "08")] == [
            True,
            True,
            True,
            False,
        ]


def test_a_month_whose_rows_fell_into_the_default_partition_stays_there_and_stops_no_other(
    connection: Connection,
) -> None:
    late = made_at(MAY)
    write_event(connection, late)

    ensure(connection)

    assert not exists(connection, "core.event_2031_05")
    assert exists(connection, "core.event_2031_06")
    assert exists(connection, "core.message_2031_05")
    assert partition_of(connection, late) == "core.event_default"


def test_making_them_again_changes_nothing(connection: Connection) -> None:
    ensure(connection)
    event_id = made_at(MAY)
    write_event(connection, event_id)

    ensure(connection)

    assert partition_of(connection, event_id) == "core.event_2031_05"


def ensure(connection: Connection) -> None:
    connection.execute("SELECT core.ensure_month_partitions(%s, 2)", [MAY])


def exists(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def made_at(at: datetime) -> UUID:
    """An id as it will be made at this time."""
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (ids.new().int & ((1 << 80) - 1)))


def write_event(connection: Connection, event_id: UUID) -> None:
    connection.execute(
        "INSERT INTO core.event (id, name, occurred_at, source, depth, payload)"
        " VALUES (%s, 'count.raised', %s, 'test', 0, '{}')",
        [event_id, MAY],
    )


def partition_of(connection: Connection, event_id: UUID) -> str:
    row = connection.execute("SELECT tableoid::regclass::text FROM core.event WHERE id = %s", [event_id]).fetchone()
    assert row
    return str(row[0])
