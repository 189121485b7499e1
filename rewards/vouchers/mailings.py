"""Publishing a campaign to an audience: a voucher for each customer, however often it is tried."""

from collections import Counter as Tally
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth import customers
from core.db import connection_of
from core.errors import Refusal
from core.events import announce
from rewards import terms, vouchers
from rewards.errors import CampaignNotRunning
from rewards.terms import Terms
from rewards.vouchers import batches
from rewards.vouchers.events import AudiencePublished
from rewards.vouchers.issuing import Issue
from rewards.vouchers.models import ENDED, CodeBatch

#: Gift cards are posted with the ledger, so this many stay well under 250 ms.
_AT_ONCE = 100

#: How soon a campaign that is paused, or has not begun, is looked at again.
_LOOK_AGAIN = timedelta(minutes=1)


def publish_some(session: Session, batch: CodeBatch, *, now: datetime) -> int:
    """Give the audience's next customers their vouchers; says how many customers that were.

    effects  as `vouchers.issue_each`; the batch counts what was refused, by why; the last turn announces
             audience.published
    """
    of = terms.load_one(session, batch.campaign_id)
    try:
        batches.check_not_over(of, now)
    except CampaignNotRunning as refusal:
        _count(batch, Tally({refusal.code: batch.asked - batch.made - batch.refused}))
        _end(session, batch, of, now=now)
        return 1
    if not _is_open(of, now):
        batch.due_at = now + _LOOK_AGAIN
        return 0

    rows = connection_of(session).execute(_NEXT, [batch.audience_id, batch.reached, batch.reached, _AT_ONCE]).fetchall()
    turn = [row[0] for row in rows]
    known = customers.known(session, turn)
    given = [
        Issue(campaign_id=of.campaign_id, customer_id=each, source=f"mailing:{batch.id}:{each}")
        for each in turn
        if each in known
    ]
    outcomes = vouchers.issue_each(session, given, now=now)

    refused = Tally(outcome.code for outcome in outcomes if isinstance(outcome, Refusal))
    if len(given) < len(turn):
        refused["customer_unknown"] += len(turn) - len(given)
    _count(batch, refused)
    batch.made += len(turn) - refused.total()
    batch.due_at = now
    if turn:
        batch.reached = turn[-1]
    if len(turn) < _AT_ONCE:
        _end(session, batch, of, now=now)
    return len(turn)


def _end(session: Session, batch: CodeBatch, of: Terms, *, now: datetime) -> None:
    """effects  announces audience.published"""
    batch.end(ENDED, now=now)
    assert batch.audience_id is not None
    announce(
        session,
        AudiencePublished(
            occurred_at=now,
            batch_id=batch.id,
            campaign_id=of.campaign_id,
            audience_id=batch.audience_id,
            reached=batch.reached,
            begun_at=max(batch.created_at, of.starts_at).isoformat(),
            holdout_bps=of.holdout_bps,
            holdout_salt=of.holdout_salt or of.campaign_id,
        ),
    )


def _is_open(of: Terms, now: datetime) -> bool:
    return of.state == "running" and now >= of.starts_at


def _count(batch: CodeBatch, refused: Tally[str]) -> None:
    """Add to what was refused before, by code."""
    in_all = Tally({fault["code"]: fault["count"] for fault in batch.faults}) + refused
    batch.refused += refused.total()
    batch.faults = [{"code": code, "count": count} for code, count in sorted(in_all.items())]


_NEXT = """
    SELECT customer_id FROM rewards.audience_member
     WHERE audience_id = %s AND (%s::uuid IS NULL OR customer_id > %s)
     ORDER BY customer_id LIMIT %s
"""
