"""`PreparedCall`: a hot path's statement by libpq itself gives and raises what a cursor does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.db import Connection
from core.prepared import PreparedCall
from core.settings import Settings

EQUAL = PreparedCall(
    "test_equal", "SELECT (%s::text, %s::bigint, %s::uuid, %s::bytea, %s::timestamptz) = ('it''s', -5, %s, %s, %s)"
)
NOW = datetime(2026, 3, 1, 12, 30, 0, 5, UTC)
ID = UUID("0199c000-0000-7000-8000-000000000001")


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("autocommit", [True, False])
def test_each_kind_of_value_arrives_as_it_is(connection: Connection, autocommit: bool) -> None:
    connection.autocommit = autocommit
    bytes_given = bytes(range(256))

    for text, expected in (("it's", True), ("its", False), ("it's", True)):
        given = [text, -5, ID, bytes_given, NOW, ID, bytes_given, NOW]
        assert EQUAL.is_true(connection, given) is expected


def test_nothing_and_no_row_are_not_true(connection: Connection) -> None:
    assert not PreparedCall("test_none", "SELECT %s::boolean").is_true(connection, [None])
    connection.execute("CREATE TEMPORARY TABLE kept (id uuid)")
    assert not PreparedCall("test_row", "SELECT true FROM kept WHERE id = %s").is_true(connection, [ids.new()])


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_row_of_texts_comes_as_texts(connection: Connection, autocommit: bool) -> None:
    connection.autocommit = autocommit
    told = PreparedCall("test_texts", "SELECT 'žluť', NULL, %s::boolean::text, %s::boolean::text, ''")

    assert list(told.texts(connection, [True, False])) == ["žluť", None, "true", "false", ""]


def test_a_fault_names_itself_and_the_connection_goes_on(connection: Connection) -> None:
    divide = PreparedCall("test_divide", "SELECT 1 / %s::int = 1")

    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        divide.is_true(connection, [0])

    assert divide.is_true(connection, [1])


def test_a_statement_that_cannot_be_prepared_says_why(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedFunction):
        PreparedCall("test_missing", "SELECT wallet.no_such(%s)").is_true(connection, [1])


@pytest.mark.parametrize("text", ["till\0 4", "\ud800"])
def test_a_text_that_cannot_be_sent_is_refused(connection: Connection, text: str) -> None:
    with pytest.raises((psycopg.DataError, UnicodeEncodeError)):
        PreparedCall("test_text", "SELECT %s::text = 'till'").is_true(connection, [text])


def test_a_server_that_forgot_it_is_told_again(connection: Connection) -> None:
    same = PreparedCall("test_forgotten", "SELECT %s::int = 4")
    assert same.is_true(connection, [4])

    connection.execute("DEALLOCATE ALL")

    assert same.is_true(connection, [4])


def test_a_lost_connection_is_told(connection: Connection, settings: Settings) -> None:
    same = PreparedCall("test_lost", "SELECT %s::int = 4")
    same.is_true(connection, [4])
    with psycopg.connect(settings.database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])

    with pytest.raises(psycopg.OperationalError):
        same.is_true(connection, [4])

    assert connection.broken
