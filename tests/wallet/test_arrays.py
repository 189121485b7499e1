"""Array literals mean to the database what the values were."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from wallet.arrays import array_literal

AT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (
            "text",
            ["plain", "", "NULL", None, 'quo"te', "back\\slash", "{a,b}", " blank ", "new\nline", "\\x00", "é漢😀"],
        ),
        ("bytea", [b"", b"\x00\xff", b"\\", None]),
        ("uuid", [UUID(int=7), None]),
        ("bigint", [-(2**63), 2**63 - 1, 0, None]),
        ("timestamptz", [AT, AT.astimezone(timezone(timedelta(hours=-5))), None]),
        ("text", []),
    ],
)
def test_literal_is_read_back_as_it_was(connection: Connection, kind: str, values: list[Any]) -> None:
    row = connection.execute(f"SELECT %s::{kind}[]", [array_literal(values)]).fetchone()

    assert row == (values,)
