"""A hot path's one call, by libpq itself: prepared once a connection, and executed without a cursor.

By a cursor a posting with its thirteen parameters took 200 µs of its caller's CPU, and so it takes 115 (eight threads,
measured beside other work). Everything else uses `connection.execute`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from core.db import Connection


class PreparedCall:
    """A statement, written with %s, with one row: its one value is a truth, or all its values are texts.

    name  under which a server knows it on each connection: no other statement's
    """

    def __init__(self, name: str, statement: str) -> None:
        numbers = count(1)
        self._name = name.encode()
        self._statement = statement
        self._numbered = re.sub("%s", lambda _: f"${next(numbers)}", statement).encode()

    def is_true(self, connection: Connection, parameters: Sequence[Any]) -> bool:
        """Execute it with texts, numbers, truths, ids, instants, bytes and None; within a transaction by a cursor.

        raises  what `connection.execute` raises
        """
        if not connection.autocommit:
            row = connection.execute(self._statement, parameters).fetchone()
            return bool(row and row[0])
        return bool(self._executed(connection, parameters).get_value(0, 0) == b"t")

    def texts(self, connection: Connection, parameters: Sequence[Any]) -> Sequence[Any]:
        """The row of a statement whose values are all texts, or nothing; by the same parameters."""
        row = self.row(connection, parameters)
        assert row is not None
        return row

    def row(self, connection: Connection, parameters: Sequence[Any]) -> Sequence[Any] | None:
        """The same of a statement that may have no row: None then."""
        if not connection.autocommit:
            return connection.execute(self._statement, parameters).fetchone()
        result = self._executed(connection, parameters)
        if not result.ntuples:
            return None
        values = [result.get_value(0, column) for column in range(result.nfields)]
        return [None if value is None else value.decode() for value in values]

    def _executed(self, connection: Connection, parameters: Sequence[Any]) -> Any:
        server: Any = connection.pgconn
        written = [_WRITERS[type(each)](each) for each in parameters]
        result = server.exec_prepared(self._name, written)
        if result.error_field(pq.DiagnosticField.SQLSTATE) == _UNKNOWN_STATEMENT:
            # The first time on this connection, or a proxy has changed the server behind it.
            _check(server, server.prepare(self._name, self._numbered))
            result = server.exec_prepared(self._name, written)
        _check(server, result)
        return result


def _check(server: Any, result: pq.abc.PGresult) -> None:
    if result.status in _DONE:
        return
    if server.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(server.get_error_message())
    raise error_from_result(result)


def _text(value: str) -> bytes:
    data = value.encode()
    if b"\0" in data:
        # libpq would send only what stands before it.
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return data


_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_UNKNOWN_STATEMENT = b"26000"

# By the exact type, since asking each value what it is takes longer. An id without its dashes is one as well.
_WRITERS: dict[type, Callable[[Any], bytes | None]] = {
    type(None): lambda _: None,
    str: _text,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    UUID: lambda value: b"%032x" % value.int,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    datetime: lambda value: value.isoformat().encode(),
}
