"""Campaigns that hold some customers out: whom a publication to an audience reached, and who of them went without.

Compared are all who had their turn, whether a voucher came of it or not: who is refused for another reason would have
been refused in the other arm as well. Vouchers that customers claim, or are given by journeys and broadcasts, bring
nobody in: who is held out never shows that they would have asked for one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import Connection
from core.events import LoggedEvent
from core.population_shares import is_in_share
from engage.results.arms import HOLDOUT, TREATED
from engage.results.models import CampaignCount
from engage.results.outcomes import DONE
from engage.results.plans import PUBLISHED_DAYS
from engage.results.taking_over import take_over
from wallet.assets import brand_currency

PUBLISHED = "audience.published"


def note(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Let the customers of publications that are over be entered."""
    rows = [_row(event.payload, now) for event in events if event.name == PUBLISHED and event.payload["reached"]]
    if rows:
        session.execute(insert(CampaignCount).values(rows).on_conflict_do_nothing())


def enter_due(reader: str, now: datetime) -> int:
    """Enter the next customers of one publication; says how many. An entry point."""
    return take_over(CampaignCount, _enter, reader=reader, now=now)


def _row(told: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "id": UUID(told["batch_id"]),
        "campaign_id": UUID(told["campaign_id"]),
        "audience_id": UUID(told["audience_id"]),
        "reached": UUID(told["reached"]),
        "begun_at": datetime.fromisoformat(told["begun_at"]),
        "held_bps": told["holdout_bps"],
        "salt": UUID(told["holdout_salt"]),
        "state": "waiting",
        "due_at": now,
    }


def _enter(connection: Connection, counted: CampaignCount, reader: str, at_once: int) -> list[UUID]:
    if not counted.held_bps:
        return []
    after = counted.counted_to or UUID(int=0)
    rows = connection.execute(_TURN, [counted.audience_id, after, counted.reached, at_once]).fetchall()
    turn = [row[0] for row in rows]
    held = [is_in_share(counted.salt, each, bps=counted.held_bps) for each in turn]
    values = {
        "campaign": counted.campaign_id,
        "customers": turn,
        "arms": [HOLDOUT if is_held else TREATED for is_held in held],
        "begun": counted.begun_at,
        "window": timedelta(days=PUBLISHED_DAYS),
        "reader": reader,
        "currency": brand_currency(),
    }
    connection.execute(_ENTER, values)
    return turn


_TURN = """
    SELECT customer_id FROM rewards.audience_member
     WHERE audience_id = %s AND customer_id > %s AND customer_id <= %s
     ORDER BY customer_id LIMIT %s
"""

# Whoever is no customer (any more) was refused as such, in whichever arm: they order nothing.
_ENTER = f"""
    INSERT INTO engage.outcome
           (scope, scope_id, customer_id, arm, entered_at, ripe_at, orders, revenue_minor, refunded_minor,
            redeemed_minor, is_converted)
    SELECT 'campaign', %(campaign)s, n.customer_id, n.arm, n.entered_at, n.ripe_at, d.orders, d.revenue_minor,
           d.refunded_minor, coalesce(r.redeemed_minor, 0), false
      FROM (SELECT u.customer_id, u.arm, %(begun)s::timestamptz AS entered_at,
                   %(begun)s::timestamptz + %(window)s AS ripe_at, %(currency)s::text AS currency,
                   o.epoch, o.xid, o.seq
              FROM unnest(%(customers)s::uuid[], %(arms)s::text[]) AS u (customer_id, arm)
              JOIN auth.customer c ON c.id = u.customer_id
              JOIN core.reader_offset o
                ON o.reader = %(reader)s AND o.slot = core.slot_of(u.customer_id, NULL)) n
     CROSS JOIN LATERAL ({DONE}) d
      LEFT JOIN LATERAL (
           SELECT sum(CASE WHEN e.name = 'voucher.redeemed' THEN 1 ELSE -1 END
                      * (e.payload->>'amount_minor')::bigint) AS redeemed_minor
             FROM core.event e
             JOIN rewards.voucher v ON v.id = (e.payload->>'voucher_id')::uuid AND v.campaign_id = %(campaign)s
            WHERE e.customer_id = n.customer_id AND e.occurred_at >= n.entered_at AND e.occurred_at < n.ripe_at
              AND e.name IN ('voucher.redeemed', 'voucher.rolled_back')
              AND (e.epoch, e.xid, e.seq) <= (n.epoch, n.xid, n.seq)) r ON true
     ORDER BY n.customer_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants only
