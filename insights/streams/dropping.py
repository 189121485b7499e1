"""Dropping streams that nobody asks for, and what they counted, some thousands of rows a transaction."""

from datetime import datetime, timedelta

from core.db import Connection, connection_of, transaction
from core.work import Schedule
from insights.streams import asking, catalogue

#: A condition that is tried out today is asked for again tomorrow, and need not be counted anew.
_TRIED_OUT = timedelta(days=1)

#: By then no batch is under way that knows a dropped stream.
_FORGOTTEN_AFTER = timedelta(hours=1)

#: Rows a transaction: some 30 ms.
_AT_ONCE = 5_000


def sweep(now: datetime) -> None:
    """Stop counting what nobody asks for, and forget what was counted for streams that were dropped before."""
    with transaction() as session:
        connection = connection_of(session)
        if asking.drop_unasked(connection, before=now - _TRIED_OUT, now=now):
            catalogue.renew(connection)
    with transaction() as session:
        gone = [row[0] for row in connection_of(session).execute(_GONE, [now - _FORGOTTEN_AFTER])]
    for stream_id in gone:
        is_left = True
        while is_left:
            with transaction() as session:
                is_left = _forget(connection_of(session), stream_id)


def _forget(connection: Connection, stream_id: int) -> bool:
    """Forget some of what a stream counted, or at last it itself; whether anything is left."""
    for statement in (_FORGET_DAYS, _FORGET_EVER):
        if connection.execute(statement, [stream_id, _AT_ONCE]).rowcount:
            return True
    connection.execute("DELETE FROM insights.stream WHERE id = %s", [stream_id])
    return False


SCHEDULE = [Schedule("insights.unasked", "35 4 * * *", sweep)]

_GONE = "SELECT id FROM insights.stream WHERE state = 'dropped' AND dropped_at < %s ORDER BY id"

_FORGET_DAYS = """
    DELETE FROM insights.activity_day
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM insights.activity_day WHERE stream_id = %s LIMIT %s))
"""

_FORGET_EVER = """
    DELETE FROM insights.activity
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM insights.activity WHERE stream_id = %s LIMIT %s))
"""
