"""Seals: whatever is edited, removed, slipped in or cut off is found, at the latest by a head that was kept outside."""

import threading
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from core.db import connection_of, statement, transaction
from core.events import epoch
from tests.wallet.conftest import open_cash, open_payable, post
from wallet import seals
from wallet.seals import Head

SECOND = "(SELECT id FROM wallet.transfer WHERE key = 'in the second')"
BLOCK = (
    "SELECT s.number FROM wallet.seal s JOIN wallet.transfer t"
    " ON t.epoch = s.epoch AND t.xid >= s.from_xid AND t.xid < s.to_xid WHERE t.key = 'in the second'"
)
LAST = "(SELECT id FROM wallet.transfer WHERE key = 'in the last')"


@pytest.fixture
def sealed(connection: Connection) -> Connection:
    """Three blocks at least, the last two of one transfer each."""
    cash, payable = open_cash(connection, 1000), open_payable(connection)
    for key, amount in (("in the first", 10), ("in the second", 20), ("in the last", 30)):
        post(connection, (cash, -amount), (payable, amount), key=key, details={"note": "a | b"})
        seal_everything(connection)
    return connection


def seal_everything(connection: Connection) -> None:
    """Any open transaction of the server, another database's too, holds the horizon back for a moment."""
    while True:
        seals.seal_all()
        row = connection.execute(_ALL_SEALED).fetchone()
        if row and row[0]:
            return


_ALL_SEALED = """
    SELECT NOT EXISTS (
        SELECT FROM wallet.transfer t
         WHERE NOT EXISTS (SELECT FROM wallet.seal s
                            WHERE s.epoch = t.epoch AND t.xid >= s.from_xid AND t.xid < s.to_xid))
"""


def past_the_triggers(connection: Connection, *statements: str) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for one in statements:
            connection.execute(one)


def block_of(connection: Connection, key: str) -> int:
    """The number of the block that seals a transfer: who holds the horizon back may have made one more before it."""
    row = connection.execute(
        "SELECT s.number FROM wallet.seal s JOIN wallet.transfer t"
        " ON t.epoch = s.epoch AND t.xid >= s.from_xid AND t.xid < s.to_xid WHERE t.key = %s",
        [key],
    ).fetchone()
    assert row
    return int(row[0])


def counts(connection: Connection) -> tuple[int, int]:
    row = connection.execute("SELECT (SELECT sum(transfers) FROM wallet.seal), (SELECT count(*) FROM wallet.transfer)")
    sealed, all_ = row.fetchone() or (0, 0)
    return sealed, all_


def test_untouched_chain_verifies_and_ends_at_its_head(sealed: Connection) -> None:
    head = seals.head(sealed)

    assert head.number == block_of(sealed, "in the last")
    assert seals.first_difference(sealed, head) is None
    assert Head.parse(str(head)) == head


def test_nothing_new_makes_no_block(sealed: Connection) -> None:
    assert seals.seal_all() == 0


@pytest.mark.parametrize("text", ["", "3", "3:", "3:zz", "3:00", "-1:" + "00" * 32, "x:" + "00" * 32])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Head.parse(text)


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE wallet.entry SET amount = amount + 1 WHERE transfer_id = {SECOND} AND amount > 0",
        f"UPDATE wallet.entry SET effective_at = effective_at + interval '1 us' WHERE transfer_id = {SECOND}",
        f"UPDATE wallet.transfer SET details = '[1]' WHERE id = {SECOND}",
        f"UPDATE wallet.transfer SET kind = 'gift' WHERE id = {SECOND}",
        f"DELETE FROM wallet.entry WHERE transfer_id = {SECOND}",
        f"DELETE FROM wallet.transfer WHERE id = {SECOND}",
        "INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, details, effective_at, xid)"
        " SELECT core.uuidv7(), 'p', 'slipped in', '', 'test', '{}', now(), xid FROM wallet.transfer"
        f" WHERE id = {SECOND}",
        f"UPDATE wallet.seal SET hash = sha256('x') WHERE number = ({BLOCK})",
    ],
)
def test_each_change_of_a_sealed_row_names_its_block(sealed: Connection, change: str) -> None:
    number = block_of(sealed, "in the second")

    past_the_triggers(sealed, change)

    assert f"block {number}" in (seals.first_difference(sealed) or "")


def test_chain_made_anew_has_another_head(sealed: Connection) -> None:
    kept = seals.head(sealed)
    past_the_triggers(sealed, f"UPDATE wallet.transfer SET kind = 'gift' WHERE id = {SECOND}")
    past_the_triggers(sealed, "DELETE FROM wallet.seal")
    seal_everything(sealed)

    assert seals.first_difference(sealed) is None
    assert seals.first_difference(sealed, kept) is not None


def test_end_that_was_cut_off_with_its_rows_is_missed_by_the_head(sealed: Connection) -> None:
    kept = seals.head(sealed)
    past_the_triggers(
        sealed,
        f"DELETE FROM wallet.entry WHERE transfer_id = {LAST}",
        f"DELETE FROM wallet.transfer WHERE id = {LAST}",
        "DELETE FROM wallet.seal WHERE number = (SELECT max(number) FROM wallet.seal)",
    )

    told = f"the chain ends at block {kept.number - 1}: the head that was kept is block {kept.number}"
    assert seals.first_difference(sealed) is None
    assert seals.first_difference(sealed, kept) == told


def test_block_that_is_missing_is_named(sealed: Connection) -> None:
    number = block_of(sealed, "in the second")

    past_the_triggers(sealed, f"DELETE FROM wallet.seal WHERE number = {number}")

    assert f"block {number} is missing" in (seals.first_difference(sealed) or "")


def test_seals_are_written_once(sealed: Connection) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation):
        sealed.execute("UPDATE wallet.seal SET transfers = 0")


def test_transfer_that_commits_late_is_sealed_later(connection: Connection) -> None:
    cash, payable = open_cash(connection, 1000), open_payable(connection)
    seal_everything(connection)
    with transaction() as session:
        late = connection_of(session)
        post(late, (cash, -1), (payable, 1))
        post(connection, (open_cash(connection, 5), -2), (open_payable(connection), 2))
        seals.seal_all()

    seal_everything(connection)

    sealed, all_ = counts(connection)
    assert sealed == all_
    assert seals.first_difference(connection) is None


def test_sealing_beside_postings_leaves_none_out(connection: Connection) -> None:
    cash, payable = [open_cash(connection, 1000) for _ in range(4)], open_payable(connection)
    done = threading.Event()

    def pay(account: UUID) -> None:
        with statement() as own:
            for _ in range(50):
                post(own, (account, -1), (payable, 1))

    def keep_sealing() -> None:
        while not done.is_set():
            seals.seal_all()

    sealer = threading.Thread(target=keep_sealing)
    payers = [threading.Thread(target=pay, args=(account,)) for account in cash]
    for thread in [sealer, *payers]:
        thread.start()
    for thread in payers:
        thread.join()
    done.set()
    sealer.join()
    seal_everything(connection)

    sealed, all_ = counts(connection)
    assert sealed == all_
    assert seals.first_difference(connection) is None


@pytest.fixture
def restored(connection: Connection) -> Iterator[None]:
    """What the test does to the cluster's row is undone after it."""
    before = epoch.ensure()
    yield
    with transaction() as session:
        own = connection_of(session)
        own.execute("UPDATE core.cluster SET epoch = %s", [before])
        for table in ("core.event", "wallet.transfer"):
            own.execute(f"ALTER TABLE {table} ALTER COLUMN epoch SET DEFAULT {before}")


@pytest.mark.usefixtures("restored")
def test_chain_goes_on_after_a_restore_into_another_cluster(sealed: Connection) -> None:
    with transaction() as session:
        connection_of(session).execute("UPDATE core.cluster SET system_identifier = 42")
    epoch.ensure()
    open_cash(sealed, 5)

    seal_everything(sealed)

    assert counts(sealed)[0] == counts(sealed)[1]
    assert seals.first_difference(sealed) is None
