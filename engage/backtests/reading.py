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

#: Events that are held in memory at once, some 30 MB; what is more of a slot is read in parts, by its customers.
MOST_HELD = 20_000

#: A part that is too large is split, but no further: one customer alone may have more.
_MOST_PARTS = 4_096

#: But no more than this: it is a robot, or a till's test customer, and would take all the memory that there is.
MOST_OF_ONE = 50_000

#: How far an event's id may lie before the time at which it happened: by a clock that was fast.
_FAST = timedelta(days=1)

_Row = tuple[Any, ...]


def slot(
    number: int, *, names: Collection[str], since: datetime, until: datetime, left_out: set[UUID]
) -> Iterator[tuple[UUID, list[LoggedEvent]]]:
    """Each customer of a slot with what happened to them in (since, until], the earliest first.

    Payloads stay text until their customer's turn, which takes a third of the memory. No transaction is open between
    two pages, and none while a customer is played.

    effects  adds to `left_out` who has more than MOST_OF_ONE of them, and is not among those
    """
    left = [(1, 0)]
    while left:
        parts, part = left.pop()
        by_customer = _read(number, parts, part, names=names, since=since, until=until, left_out=left_out)
        if by_customer is None:
            # What was read is read again: once for each halving, and no more than is held.
            left += [(2 * parts, part + parts), (2 * parts, part)]
            continue
        for customer_id in sorted(by_customer):
            told = by_customer.pop(customer_id)
            told.sort(key=lambda row: (row[8], row[1], int(row[2]), row[3]))
            yield customer_id, [_event(row) for row in told]


def _read(
    number: int,
    parts: int,
    part: int,
    *,
    names: Collection[str],
    since: datetime,
    until: datetime,
    left_out: set[UUID],
) -> dict[UUID, list[_Row]] | None:
    """The rows of one part of a slot, by customer; None where they are too many to hold at once.

    parts  a power of two
    """
    by_customer: dict[UUID, list[_Row]] = {}
    last: tuple[int, str, int] = (-1, "0", 0)
    while True:
        values = [number, *last, list(names), since, until, _floor(since), parts - 1, part, PAGE]
        with statement() as connection:
            rows = connection.execute(_PAGE, values).fetchall()
        for row in rows:
            if row[6] not in left_out and not ids.is_sandbox(row[6]):
                by_customer.setdefault(row[6], []).append(row)
        for customer_id in [each for each, told in by_customer.items() if len(told) > MOST_OF_ONE]:
            left_out.add(customer_id)
            del by_customer[customer_id]
        if len(rows) < PAGE:
            return by_customer
        held = sum(map(len, by_customer.values()))
        if held >= MOST_HELD and len(by_customer) > 1 and parts < _MOST_PARTS:
            return None
        last = (rows[-1][1], rows[-1][2], rows[-1][3])


def _event(row: _Row) -> LoggedEvent:
    told: list[Any] = [*row[:2], int(row[2]), *row[3:14], json.loads(row[14])]
    return LoggedEvent(*told)


def _floor(since: datetime) -> UUID:
    return UUID(int=max(int((since - _FAST).timestamp() * 1000), 0) << 80)


# Along ix_event_position; as text, since psycopg reads JSON only to hand it to the same function. Slots go by another
# hash of the customer than the parts of one. Ordered by e.xid: a bare xid is the column of the answer, which is text.
_PAGE = """
    SELECT e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, e.occurred_at, e.recorded_at,
           e.source, e.caused_by, e.depth, e.trace, e.payload::text
      FROM core.event e
     WHERE e.slot = %s AND (e.epoch, e.xid, e.seq) > (%s, %s::xid8, %s)
       AND e.name = ANY(%s) AND e.occurred_at > %s AND e.occurred_at <= %s AND e.id >= %s
       AND e.customer_id IS NOT NULL AND uuid_hash_extended(e.customer_id, 7) & %s = %s
     ORDER BY e.epoch, e.xid, e.seq LIMIT %s
"""
