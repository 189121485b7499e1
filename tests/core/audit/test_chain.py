"""The audit log's chain: whatever is edited, removed, slipped in or cut off is found."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from core import audit, clock, ids
from core.audit import chain
from core.audit.cli import audit as commands
from core.audit.models import AuditEntry
from core.chain_heads import Head
from core.db import connection_of, transaction
from tests.core.log import wait_for_the_horizon

pytestmark = pytest.mark.usefixtures("database")


def note(action: str, **change: object) -> None:
    with transaction() as session:
        audit.record(session, actor="operator", action=action, target="test", change=change, now=clock.now())


def seal() -> None:
    """Everything that was noted; any open transaction of the server holds the horizon back for a moment."""
    deadline = time.monotonic() + 30
    while _unsealed():
        assert time.monotonic() < deadline, "something of it cannot be sealed"
        chain.seal_all()


def _unsealed() -> int:
    with transaction() as session:
        row = connection_of(session).execute(_UNSEALED).fetchone()
    assert row
    return int(row[0])


_UNSEALED = """
    SELECT count(*) FROM core.audit_entry a
     WHERE NOT EXISTS (SELECT FROM core.audit_seal s
                        WHERE s.epoch = a.epoch AND a.xid >= s.from_xid AND a.xid < s.to_xid)
"""


def difference(kept: Head | None = None) -> str | None:
    with transaction() as session:
        return chain.first_difference(connection_of(session), kept)


def head() -> Head:
    with transaction() as session:
        return chain.head(connection_of(session))


def past_the_triggers(sweeper: psycopg.Connection, statement: str) -> None:
    with sweeper.transaction():
        sweeper.execute("SET LOCAL session_replication_role = replica")
        sweeper.execute(statement)


@pytest.fixture
def sealed(database: None) -> None:
    for action in ("one", "two", "three"):
        note(action, note="a | b")
        seal()


@pytest.mark.usefixtures("sealed")
def test_a_log_that_nobody_touched_checks_and_ends_at_its_head() -> None:
    assert difference(head()) is None
    assert head().number >= 3


def test_the_chain_of_an_empty_log_checks() -> None:
    assert (difference(), head().number) == (None, 0)


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE core.audit_entry SET change = '{}' WHERE action = 'two'",
        "UPDATE core.audit_entry SET actor = 'staff:other' WHERE action = 'two'",
        "UPDATE core.audit_entry SET at = at + interval '1 microsecond' WHERE action = 'two'",
        "UPDATE core.audit_entry SET request_id = 'x' WHERE action = 'two'",
        "DELETE FROM core.audit_entry WHERE action = 'two'",
        "INSERT INTO core.audit_entry (id, actor, action, target, change, at, epoch, xid) SELECT gen_random_uuid(), "
        "actor, action, target, change, at, epoch, xid FROM core.audit_entry WHERE action = 'two'",
    ],
)
def test_an_entry_that_is_edited_removed_or_slipped_in_is_found(sweeper: psycopg.Connection, tampering: str) -> None:
    past_the_triggers(sweeper, tampering)

    assert str(difference()).startswith("block ")


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("place", ["0, xid", "-1, xid", "epoch + 1, xid", "epoch, '18446744073709551615'::xid8"])
def test_an_entry_that_is_slipped_in_where_no_block_reaches_is_found(sweeper: psycopg.Connection, place: str) -> None:
    past_the_triggers(
        sweeper,
        "INSERT INTO core.audit_entry (id, actor, action, target, change, at, epoch, xid) SELECT gen_random_uuid(), "
        f"actor, action, target, change, at, {place} FROM core.audit_entry WHERE action = 'two'",
    )

    assert str(difference()).startswith("1 entries stand where no block reaches")


@pytest.mark.usefixtures("sealed")
def test_a_backup_that_was_restored_into_another_cluster_checks_before_anything_starts_there(
    sweeper: psycopg.Connection,
) -> None:
    later = "(({} ::text::bigint + 1000000)::text)::xid8"
    past_the_triggers(sweeper, f"UPDATE core.audit_entry SET xid = {later.format('xid')} WHERE action = 'three'")
    past_the_triggers(
        sweeper, f"UPDATE core.audit_seal SET to_xid = {later.format('to_xid')} WHERE number = {head().number}"
    )
    assert str(difference()).endswith("they were slipped in")
    past_the_triggers(sweeper, "UPDATE core.cluster SET system_identifier = system_identifier + 1")
    restored = difference()
    past_the_triggers(sweeper, "UPDATE core.cluster SET system_identifier = system_identifier - 1")

    assert restored is None


@pytest.mark.usefixtures("sealed")
def test_a_block_that_is_removed_is_found(sweeper: psycopg.Connection) -> None:
    past_the_triggers(sweeper, "DELETE FROM core.audit_seal WHERE number = 2")

    assert str(difference()).startswith("block 2 is missing")


@pytest.mark.usefixtures("sealed")
def test_a_log_that_is_cut_off_or_sealed_anew_is_found_by_the_head_that_was_kept(sweeper: psycopg.Connection) -> None:
    kept = head()
    past_the_triggers(sweeper, f"DELETE FROM core.audit_seal WHERE number = {kept.number}")
    past_the_triggers(sweeper, "DELETE FROM core.audit_entry WHERE action = 'three'")
    assert difference() is None
    assert str(difference(kept)).startswith("the chain ends at block")

    note("another three")
    seal()
    assert str(difference(kept)).startswith(f"block {kept.number} has another hash")


@pytest.mark.parametrize("statement", ["UPDATE core.audit_entry SET action = 'x'", "DELETE FROM core.audit_entry"])
def test_the_database_itself_refuses_to_change_the_log(statement: str) -> None:
    note("one")

    with pytest.raises((psycopg.Error, DBAPIError), match="written once"), transaction() as session:
        connection_of(session).execute(statement)


def test_entries_of_transactions_that_commit_late_are_sealed_once() -> None:
    begun, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        with transaction() as session:
            audit.record(session, actor="operator", action="late", target="test", change={}, now=clock.now())
            session.flush()
            begun.set()
            may_commit.wait(10)

    thread = threading.Thread(target=late)
    thread.start()
    assert begun.wait(10)
    note("early")
    chain.seal_all()  # the late one holds the horizon: what came after it waits with it
    assert difference() is None
    may_commit.set()
    thread.join()
    seal()

    assert difference() is None
    with transaction() as session:
        row = connection_of(session).execute("SELECT sum(entries) FROM core.audit_seal").fetchone()
    assert row == (2,)


def test_many_who_seal_at_once_make_one_chain() -> None:
    for number in range(10):
        note(f"deed {number}")
    wait_for_the_horizon()
    threads = [threading.Thread(target=chain.seal_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal()

    assert difference() is None


def test_one_that_has_not_waited_is_left_to_wait() -> None:
    note("one")
    wait_for_the_horizon()

    assert chain.seal_due() == 0
    assert head().number == 0


def test_one_that_has_waited_ten_seconds_is_sealed() -> None:
    waited = ids.least_at(datetime.now(UTC) - timedelta(seconds=11))
    with transaction() as session:
        values = {"actor": "operator", "action": "one", "target": "test", "change": {}, "at": clock.now()}
        session.add(AuditEntry(id=waited, **values))
    wait_until_sealed = time.monotonic() + 30
    while not chain.seal_due():
        assert time.monotonic() < wait_until_sealed

    assert (head().number, difference(), _unsealed()) == (1, None, 0)


def test_the_commands_seal_tell_the_head_and_check(app: Flask, sweeper: psycopg.Connection) -> None:
    run = app.test_cli_runner().invoke
    note("one")
    seal()
    kept = run(commands, ["head"]).output.strip()

    assert run(commands, ["seal"]).exit_code == 0
    assert run(commands, ["check", "--head", kept]).output.startswith("audit log sealed: ")
    assert run(commands, ["check", "--head", "nonsense"]).exit_code == 2
    past_the_triggers(sweeper, "UPDATE core.audit_entry SET action = 'x'")
    broken = run(commands, ["check"])
    assert (broken.exit_code, broken.stderr.startswith("audit log broken: block ")) == (1, True)
