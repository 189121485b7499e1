"""Batches of vouchers: what staff ask for and watch, while workers make them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from core import audit, crypto, ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from rewards import audiences, funds, terms
from rewards.errors import BudgetExhausted, CampaignNotRunning
from rewards.terms import Terms
from rewards.vouchers import code_shapes, patterns
from rewards.vouchers.models import BUDGET, MADE, MAILING, WAITING, CodeBatch

MOST_CODES = 1_000_000


def ask_for_codes(
    session: Session,
    *,
    campaign_id: UUID,
    count: int,
    pattern: Any,
    funding: str | None = None,
    source: str,
    actor: str,
    now: datetime,
) -> CodeBatch:
    """Have so many codes made that whoever holds one may use, or claim, once; gift cards are such codes, too.

    shape    pattern: as `patterns.parse` takes it; None for our usual codes
    funding  of gift cards, as `CodeBatch` has it; None for coupons
    raises   NotFound; CampaignNotRunning for a campaign that is over; PatternInvalid; PatternTooSmall; InvalidInput for
             gift cards without a funding, and coupons with one; BudgetExhausted where the budget cannot fill them all
    effects  workers make them; an audit row
    """
    look = patterns.parse(pattern)
    of = terms.load_one(session, campaign_id)
    check_not_over(of, now)
    _check_funding(session, of, funding, count)
    if not look.is_usual:
        promised = code_shapes.promise(connection_of(session), look.shape, count)
        look.check_room(promised, for_each=patterns.ROOM_FOR_EACH_CARD if of.is_gift_card else patterns.ROOM_FOR_EACH)

    crypto.create_data_keys(session, [campaign_id])
    return _add(
        session,
        CodeBatch(
            id=ids.new(),
            campaign_id=campaign_id,
            kind=MADE,
            pattern=None if look.is_usual else look.as_json(),
            funding=funding,
            asked=count,
            source=source,
            created_by=actor,
            created_at=now,
            state=WAITING,
            due_at=now,
        ),
    )


def ask_for_mailing(
    session: Session,
    *,
    campaign_id: UUID,
    customer_ids: Sequence[UUID] | None,
    source: str,
    actor: str,
    now: datetime,
) -> CodeBatch:
    """Have each of these customers given a voucher, or with None each of whom the campaign is meant for.

    It waits while the campaign is no longer or not yet running, and ends with it.
    raises   NotFound; CampaignNotRunning for a campaign that is over; InvalidInput where nobody is named at all
    effects  workers give them, each customer one, however often; an audit row
    """
    of = terms.load_one(session, campaign_id)
    check_not_over(of, now)
    audience_id = of.audience_id if customer_ids is None else audiences.create(session, customer_ids, now=now)
    if audience_id is None:
        detail = "must name the customers, as the campaign is meant for everyone"
        raise InvalidInput(errors=[{"pointer": "/customer_ids", "detail": detail}])

    count = connection_of(session).execute(_COUNT, [audience_id]).fetchone()
    return _add(
        session,
        CodeBatch(
            id=ids.new(),
            campaign_id=campaign_id,
            kind=MAILING,
            audience_id=audience_id,
            asked=count[0] if count else 0,
            source=source,
            created_by=actor,
            created_at=now,
            state=WAITING,
            due_at=now,
        ),
    )


def find(session: Session, batch_id: UUID) -> CodeBatch:
    """raises  NotFound"""
    found = session.get(CodeBatch, batch_id)
    if found is None:
        raise NotFound("There is no such batch")
    return found


def page(session: Session, campaign_id: UUID, *, before: UUID | None, limit: int) -> Sequence[CodeBatch]:
    """A campaign's batches, latest first, without their faults: one can have 100,000.

    raises  NotFound for an unknown campaign
    """
    terms.load_one(session, campaign_id)
    query = select(CodeBatch).options(defer(CodeBatch.faults, raiseload=True))
    query = query.where(CodeBatch.campaign_id == campaign_id).order_by(CodeBatch.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(CodeBatch.id < before)).all()


def check_not_over(of: Terms, now: datetime) -> None:
    """Codes are printed before a campaign begins.

    raises  CampaignNotRunning
    """
    if of.state == "ended":
        raise CampaignNotRunning(campaign_status=of.state)
    if now >= of.ends_at:
        raise CampaignNotRunning(ends_at=of.ends_at.isoformat())


def record(session: Session, batch: CodeBatch, *, now: datetime) -> None:
    """Leave the audit row of a new batch."""
    change = {"batch_id": str(batch.id), "kind": batch.kind, "asked": batch.asked, "pattern": batch.pattern}
    if batch.funding is not None:
        change["funding"] = batch.funding
    target = f"campaign:{batch.campaign_id}"
    audit.record(session, actor=batch.created_by, action="codes.ask", target=target, change=change, now=now)


def _check_funding(session: Session, of: Terms, funding: str | None, count: int) -> None:
    if of.is_gift_card != (funding is not None):
        detail = "must be till or budget" if of.is_gift_card else "is for gift cards only"
        raise InvalidInput(errors=[{"pointer": "/funding", "detail": detail}])
    if funding == BUDGET:
        needed = count * (of.value_minor or 0)
        left = funds.available(connection_of(session), [of.budget_account]).get(of.budget_account, 0)
        if left < needed:
            raise BudgetExhausted(needed_minor=needed, left_minor=left)


def _add(session: Session, batch: CodeBatch) -> CodeBatch:
    session.add(batch)
    session.flush()
    record(session, batch, now=batch.created_at)
    return batch


_COUNT = "SELECT count(*) FROM rewards.audience_member WHERE audience_id = %s"
