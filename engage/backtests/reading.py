"""The past that a journey is played over: the events of a slot of the log, by customer, in the order of their time."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import ids
from core.db import statement
from core.events import LoggedEvent
from core.events.log import SLOTS

__all__ = ["SLOTS", "slot"]

#: Rows that are read at a time: a fraction of a second, and a few megabytes.
PAGE = 10_000

#: How far an event's id may lie before the time at which it happened: by a clock that was fast.
_FAST = timedelta(days=1)

_Row = tuple[Any, ...]


def slot(
    number: int, *, names: Collection[str], since: datetime, until: datetime
) -> Iterator[tuple[UUID, list[LoggedEvent]]]:
    """Each customer of a slot with what happened to them in (since, until], the earliest first.

    Payloads stay text until their customer's turn: parsed, a slot of a big brand's year would not fit in memory. No
    transaction is open between two pages, and none while a customer is played.
    """
    by_customer: dict[UUID, list[_Row]] = {}
    last: tuple[int, str, int] = (-1, "0", 0)
    while True:
        with statement() as connection:
            rows = connection.execute(_PAGE, [number, *last, list(names), since, until, _floor(since), PAGE]).fetchall()
        for row in rows:
            if row[6] is not None and not ids.is_sandbox(row[6]):
                by_customer.setdefault(row[6], []).append(row)
        if len(rows) < PAGE:
            break
        last = (rows[-1][1], rows[-1][2], rows[-1][3])
    for customer_id in sorted(by_customer):
        told = by_customer.pop(customer_id)
        yield customer_id, [_event(row) for row in sorted(told, key=lambda row: (row[8], row[1], int(row[2]), row[3]))]


def _event(row: _Row) -> LoggedEvent:
    told: list[Any] = [*row[:2], int(row[2]), *row[3:14], json.loads(row[14])]
    return LoggedEvent(*told)


def _floor(since: datetime) -> UUID:
    return UUID(int=max(int((since - _FAST).timestamp() * 1000), 0) << 80)


# Along ix_event_position; as text, since psycopg reads JSON only to hand it to the same function.
_PAGE = """
    SELECT id, epoch, xid::text, seq, slot, name, customer_id, subject_id, occurred_at, recorded_at, source, caused_by,
           depth, trace, payload::text
      FROM core.event
     WHERE slot = %s AND (epoch, xid, seq) > (%s, %s::xid8, %s)
       AND name = ANY(%s) AND occurred_at > %s AND occurred_at <= %s AND id >= %s
     ORDER BY epoch, xid, seq LIMIT %s
"""
