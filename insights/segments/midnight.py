"""Midnight: those whom time alone may bring in or out are judged again on the first day on which it may."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db import connection_of, transaction
from insights.segments import catalogue
from insights.segments.catalogue import Followed
from insights.segments.judging import judge
from insights.streams.filling import READER
from wallet.assets import brand_time_zone

#: Rows a transaction: some 40 ms.
_AT_ONCE = 300

#: Where few are due a slot, a transaction for each would cost more than judging them.
_SLOTS = 8


def recheck_due(now: datetime) -> int:
    """Judge again some of a few slots' customers whose day has come; returns how many rows were dealt with."""
    today = now.astimezone(ZoneInfo(brand_time_zone())).date()
    with transaction() as session:
        connection = connection_of(session)
        slots = connection.execute(_NEXT_SLOTS, {"reader": READER, "today": today, "limit": _SLOTS}).fetchall()
        if not slots:
            return 0
        followed = catalogue.read(connection).segments
        due = connection.execute(
            _DUE, {"slots": [row[0] for row in slots], "today": today, "limit": _AT_ONCE}
        ).fetchall()
        asked: dict[UUID, list[Followed]] = {}
        gone = []
        for customer_id, segment_id in due:
            if segment_id in followed and followed[segment_id].condition_of(customer_id):
                asked.setdefault(customer_id, []).append(followed[segment_id])
            else:
                gone.append((customer_id, segment_id))
        judge(connection, asked, now)
        if gone:  # archived, or built anew by who will find them
            connection.execute(_FORGET, [[each[0] for each in gone], [each[1] for each in gone]])
        return len(due)


# A slot whose batch is under way is passed over, and looked at when it is done.
_NEXT_SLOTS = """
    SELECT o.slot FROM core.reader_offset o
     WHERE o.reader = %(reader)s
       AND EXISTS (SELECT FROM insights.membership m WHERE m.slot = o.slot AND m.recheck_on <= %(today)s)
     ORDER BY o.slot LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

# Of each slot through its index: all of a million customers may be due.
_DUE = """
    SELECT m.customer_id, m.segment_id
      FROM unnest(%(slots)s::smallint[]) AS s (slot)
     CROSS JOIN LATERAL (
           SELECT customer_id, segment_id FROM insights.membership
            WHERE slot = s.slot AND recheck_on <= %(today)s
            ORDER BY recheck_on, customer_id, segment_id LIMIT %(limit)s) m
     LIMIT %(limit)s
"""

_FORGET = """
    UPDATE insights.membership m SET recheck_on = NULL
      FROM unnest(%s::uuid[], %s::uuid[]) AS g (customer_id, segment_id)
     WHERE m.customer_id = g.customer_id AND m.segment_id = g.segment_id
"""
