"""Broadcasts: their customers are taken over into outcomes once all letters are written, a few at a time.

No event tells of each of a hundred thousand customers that they were in a broadcast, so the reader cannot enter them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import Connection
from core.events import LoggedEvent
from engage.results import tallies
from engage.results.models import BroadcastCount
from engage.results.outcomes import DONE
from engage.results.plans import PUBLISHED_DAYS
from engage.results.taking_over import take_over
from engage.results.tallies import Counted, Key
from wallet.assets import brand_currency, brand_time_zone

#: What says that no more letters of a broadcast will be written.
OVER = frozenset({"broadcast.done", "broadcast.cancelled"})

#: Whoever was preparing a part when it was cancelled has long finished by then.
_SETTLED_AFTER = timedelta(minutes=10)


def note(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Let the customers of broadcasts that are over be entered soon."""
    over = {UUID(event.payload["broadcast_id"]) for event in events if event.name in OVER}
    if over:
        rows = [{"id": each, "state": "waiting", "due_at": now + _SETTLED_AFTER} for each in sorted(over)]
        session.execute(insert(BroadcastCount).values(rows).on_conflict_do_nothing())


def enter_due(reader: str, now: datetime) -> int:
    """Enter the next customers of one broadcast; says how many. An entry point."""
    return take_over(BroadcastCount, _enter, reader=reader, now=now)


def _enter(connection: Connection, counted: BroadcastCount, reader: str, at_once: int) -> list[UUID]:
    values: dict[str, Any] = {
        "broadcast": counted.id,
        "after": counted.counted_to or UUID(int=0),
        "limit": at_once,
        "reader": reader,
        "window": timedelta(days=PUBLISHED_DAYS),
        "currency": brand_currency(),
    }
    connection.execute(_ENTER, values)
    members = connection.execute(_ENTERED, values).fetchall()
    zone, counts = ZoneInfo(brand_time_zone()), Counted()
    for _, arm, outcome, at, is_inbox, campaign_id in members:
        day = at.astimezone(zone).date()
        counts.add(Key("broadcast", counted.id, "entered", day, arm=arm))
        counts.add(Key("broadcast", counted.id, f"step:{outcome}", day, arm=arm))
        # No message tells of what is for the inbox alone.
        if is_inbox:
            counts.add(Key("broadcast", counted.id, "inbox", day, arm=arm))
        if is_inbox and campaign_id is not None:
            counts.add(Key("campaign", campaign_id, "inbox", day))
    tallies.keep(connection, counts.counts)
    return [member[0] for member in members]


_MEMBERS = """
    SELECT customer_id, arm, outcome, at, voucher_id, channel, broadcast_id FROM engage.broadcast_send
     WHERE broadcast_id = %(broadcast)s AND customer_id > %(after)s ORDER BY customer_id LIMIT %(limit)s
"""

_ENTERED = f"""
    SELECT m.customer_id, m.arm, m.outcome, m.at, m.outcome = 'sent' AND m.channel = 'inbox',
           CASE WHEN m.voucher_id IS NOT NULL THEN b.campaign_id END
      FROM ({_MEMBERS}) m JOIN engage.broadcast b ON b.id = m.broadcast_id ORDER BY m.customer_id
"""  # noqa: S608 - constants only

_ENTER = f"""
    INSERT INTO engage.outcome
           (scope, scope_id, customer_id, arm, entered_at, ripe_at, orders, revenue_minor, refunded_minor,
            redeemed_minor, is_converted)
    SELECT 'broadcast', %(broadcast)s, n.customer_id, n.arm, n.entered_at, n.ripe_at, d.orders, d.revenue_minor,
           d.refunded_minor, coalesce(r.redeemed_minor, 0), false
      FROM (SELECT m.customer_id, m.arm, m.at AS entered_at, m.at + %(window)s AS ripe_at, m.voucher_id,
                   %(currency)s::text AS currency, o.epoch, o.xid, o.seq
              FROM ({_MEMBERS}) m
              JOIN core.reader_offset o ON o.reader = %(reader)s AND o.slot = core.slot_of(m.customer_id, NULL)) n
     CROSS JOIN LATERAL ({DONE}) d
      LEFT JOIN LATERAL (
           SELECT sum(CASE WHEN e.name = 'voucher.redeemed' THEN 1 ELSE -1 END
                      * (e.payload->>'amount_minor')::bigint) AS redeemed_minor
             FROM core.event e
            WHERE n.voucher_id IS NOT NULL AND e.customer_id = n.customer_id
              AND e.occurred_at >= n.entered_at AND e.occurred_at < n.ripe_at
              AND e.name IN ('voucher.redeemed', 'voucher.rolled_back')
              AND e.payload->>'voucher_id' = n.voucher_id::text
              AND (e.epoch, e.xid, e.seq) <= (n.epoch, n.xid, n.seq)) r ON true
     ORDER BY n.customer_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants only
