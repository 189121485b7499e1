"""What staff see of campaigns: their terms, what is left of the budget, what was given and what was used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from rewards import funds, terms
from rewards.models import Campaign, RedemptionRow, VoucherRow
from wallet import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResult:
    """budget_left_minor: not yet paid out; issued: vouchers given; redemptions, redeemed_minor: uses that stand"""

    id: UUID
    name: str
    kind: str
    discount: dict[str, Any]
    currency: str
    is_scoped: bool
    has_audience: bool
    min_spend_minor: int
    limit_total: int | None
    limit_per_customer: int | None
    voucher_days: int | None
    state: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    budget_left_minor: int
    issued: int
    redemptions: int
    redeemed_minor: int


def of(session: Session, campaign_id: UUID) -> CampaignResult:
    """raises  NotFound"""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign")
    return _results(session, [campaign])[0]


def page(session: Session, *, before: UUID | None, limit: int) -> list[CampaignResult]:
    """Campaigns, latest first, from the one before `before` on."""
    query = select(Campaign).order_by(Campaign.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Campaign.id < before)
    return _results(session, session.scalars(query).all())


def _results(session: Session, campaigns: Sequence[Campaign]) -> list[CampaignResult]:
    wanted = [campaign.id for campaign in campaigns]
    budgets = {each.id: accounts.id_of(terms.owner_of(each.id), "budget", each.currency) for each in campaigns}
    left = funds.available(connection_of(session), budgets.values())
    issued = {
        row[0]: row[1]
        for row in session.execute(
            select(VoucherRow.campaign_id, func.count())
            .where(VoucherRow.campaign_id.in_(wanted))
            .group_by(VoucherRow.campaign_id)
        )
    }
    used = {
        row[0]: (row[1], int(row[2]))
        for row in session.execute(
            select(RedemptionRow.campaign_id, func.count(), func.sum(RedemptionRow.amount_minor))
            .where(RedemptionRow.campaign_id.in_(wanted), RedemptionRow.state == "succeeded")
            .group_by(RedemptionRow.campaign_id)
        )
    }
    return [
        _result(each, left.get(budgets[each.id], 0), issued.get(each.id, 0), *used.get(each.id, (0, 0)))
        for each in campaigns
    ]


def _result(campaign: Campaign, left: int, issued: int, redemptions: int, redeemed_minor: int) -> CampaignResult:
    return CampaignResult(
        id=campaign.id,
        name=campaign.name,
        kind=campaign.kind,
        discount=campaign.discount,
        currency=campaign.currency,
        is_scoped=campaign.is_scoped,
        has_audience=campaign.audience_id is not None,
        min_spend_minor=campaign.min_spend_minor,
        limit_total=campaign.limit_total,
        limit_per_customer=campaign.limit_per_customer,
        voucher_days=campaign.voucher_days,
        state=campaign.state,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        created_at=campaign.created_at,
        budget_left_minor=left,
        issued=issued,
        redemptions=redemptions,
        redeemed_minor=redeemed_minor,
    )
