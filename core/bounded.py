"""Bounded reads: what somebody waits for is given up where it takes too long, and the rest of their request goes on."""

from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from sqlalchemy.orm import Session

from core.db import connection_of


def rows(
    session: Session, query: LiteralString, values: dict[str, Any] | list[Any], *, within: timedelta
) -> list[tuple[Any, ...]] | None:
    """What a statement reads; None where it takes longer than `within`."""
    try:
        with session.begin_nested():
            connection = connection_of(session)
            connection.execute(f"SET LOCAL statement_timeout = {int(within / timedelta(milliseconds=1))}")
            found = connection.execute(query, values).fetchall()
            connection.execute("SET LOCAL statement_timeout TO DEFAULT")
            return found
    except psycopg.errors.QueryCanceled:
        return None
