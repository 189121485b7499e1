"""The database's errors as refusals: a broken rule by its name, a lock that does not come, a pool that is empty."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import ClassVar

import psycopg
import pytest
from sqlalchemy import text

from core import db
from core.db import Connection, connection_of, statement, transaction
from core.errors import Busy, ConfigurationError, DatabaseUnavailable, Kind, Refusal, Unstorable
from core.settings import Settings


class FloorBroken(Refusal):
    code: ClassVar[str] = "test_floor_broken"
    title: ClassVar[str] = "Below the floor"
    constraint: ClassVar[str | None] = "ck_of_this_test_floor"


@pytest.fixture
def table(database: None) -> Iterator[None]:
    with transaction() as session:
        session.execute(
            text(
                "CREATE TABLE of_this_test (id int PRIMARY KEY,"
                " amount int CONSTRAINT ck_of_this_test_floor CHECK (amount >= 0))"
            )
        )
    yield
    with transaction() as session:
        session.execute(text("DROP TABLE of_this_test"))


@pytest.fixture
def small_pool(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One connection of each kind, and little patience."""
    db.close_database()
    db.open_database(replace(settings, database_pool_size=1))
    monkeypatch.setattr(db._opened().engine.pool, "_timeout", 0.05)
    monkeypatch.setattr(db._opened().statements, "timeout", 0.05)
    yield
    db.close_database()


@pytest.mark.usefixtures("table")
def test_a_broken_rule_is_the_refusal_that_names_it() -> None:
    with pytest.raises(FloorBroken), transaction() as session:
        session.execute(text("INSERT INTO of_this_test VALUES (1, -1)"))
    with pytest.raises(FloorBroken), transaction() as session:
        connection_of(session).execute("INSERT INTO of_this_test VALUES (1, -1)")
    with pytest.raises(FloorBroken), statement() as connection:
        connection.execute("INSERT INTO of_this_test VALUES (1, -1)")


@pytest.mark.usefixtures("table")
def test_a_broken_rule_that_nobody_named_stays_an_error_of_ours() -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), statement() as connection:
        connection.execute("INSERT INTO of_this_test VALUES (1, 1), (1, 1)")


@pytest.mark.usefixtures("table")
def test_what_raises_in_a_transaction_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.execute(text("INSERT INTO of_this_test VALUES (1, 1)"))
        raise ZeroDivisionError

    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM of_this_test")).scalar_one() == 0


@pytest.mark.usefixtures("table")
def test_a_lock_that_does_not_come_is_busy() -> None:
    with transaction() as holder:
        holder.execute(text("INSERT INTO of_this_test VALUES (1, 1)"))
        with pytest.raises(Busy), transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '20ms'"))
            session.execute(text("INSERT INTO of_this_test VALUES (1, 2)"))


@pytest.mark.usefixtures("own_options")
def test_every_connection_has_its_time_limits() -> None:
    with transaction() as session, statement() as connection:
        for held in (connection_of(session), connection):
            limits = [held.execute(f"SHOW {name}").fetchone() for name in LIMITS]
            assert [row[0] for row in limits if row] == ["2s", "10s", "UTC"]


LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout", "timezone")


@pytest.mark.usefixtures("small_pool")
def test_an_empty_pool_is_busy() -> None:
    with ExitStack() as held:
        held.enter_context(transaction()).execute(text("SELECT 1"))
        with pytest.raises(Busy), transaction() as session:
            session.execute(text("SELECT 1"))
    with statement(), pytest.raises(Busy), statement():
        pass


@pytest.mark.usefixtures("database")
def test_a_connection_that_dies_is_unavailable_and_the_next_one_lives() -> None:
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable), transaction() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(DatabaseUnavailable), statement() as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with transaction() as session, statement() as connection:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.usefixtures("database")
def test_a_transaction_that_idled_too_long_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable), transaction() as session:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1ms'"))
        until_ended(session.execute(text("SELECT pg_backend_pid()")).scalar_one())
        session.execute(text("SELECT 1"))


def until_ended(pid: int) -> None:
    with statement() as watcher:
        while watcher.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            pass


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("value", [2**40, 10**400])
def test_a_number_that_no_column_holds_is_invalid_input(value: int) -> None:
    with pytest.raises(Unstorable) as refused, statement() as connection:
        connection.execute("INSERT INTO of_this_test VALUES (1, %s)", [value])
    assert refused.value.kind is Kind.INVALID


@pytest.mark.usefixtures("database")
def test_text_that_cannot_be_stored_is_invalid_input() -> None:
    with pytest.raises(Unstorable), transaction() as session:
        session.execute(text("SELECT :name"), {"name": "a\0b"})
    with pytest.raises(Unstorable), statement() as connection:
        connection.execute("SELECT %s", ["a\ud800"])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/nowhere",
        "postgresql://nobody@/nowhere?host=/nonexistent",
        "postgresql://127.0.0.1:port/nowhere",
        "postgresql://127.0.0.1/nowhere?no_such_option=1",
    ],
)
def test_a_database_that_cannot_be_reached_is_told_in_one_line(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refused:
        db.open_database(Settings(database_url=url))

    assert "\n" not in str(refused.value)
    assert "Is the server running" not in str(refused.value)  # libpq's hint after the reason is not the reason


def test_a_server_that_is_too_old_is_told_in_one_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "OLDEST_SERVER", 990000)

    with pytest.raises(ConfigurationError, match=re.escape("too old: DATABASE_URL must point at 15 or newer")):
        db.open_database(settings)


def test_a_connection_that_is_lost_in_a_transaction_is_told_as_such(database: None) -> None:
    with pytest.raises(DatabaseUnavailable), transaction() as session:
        connection_of(session).execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with transaction() as session:
        assert connection_of(session).execute("SELECT 1").fetchone() == (1,)


@contextmanager
def in_a_transaction() -> Iterator[Connection]:
    with transaction() as session:
        yield connection_of(session)


@pytest.mark.usefixtures("small_pool")
@pytest.mark.parametrize("lend", [in_a_transaction, statement])
def test_a_statement_is_prepared_when_it_comes_for_the_third_time(
    lend: Callable[[], AbstractContextManager[Connection]],
) -> None:
    prepared = []
    for _ in range(3):
        with lend() as connection:
            connection.execute("SELECT %s::int AS of_this_test", [1])
            found = connection.execute("SELECT FROM pg_prepared_statements WHERE statement LIKE '%AS of_this_test'")
            prepared.append(found.rowcount)

    assert prepared == [0, 0, 1]


@pytest.mark.usefixtures("database")
def test_the_connection_that_was_given_back_last_is_lent_first() -> None:
    with in_a_transaction() as last, in_a_transaction() as first:
        given_back = [connection.info.backend_pid for connection in (first, last)]
    with in_a_transaction() as lent:
        assert lent.info.backend_pid == given_back[-1]
