"""What staff see of campaigns: their terms, what is left of the budget, what was given and what was used."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from rewards import funds, terms
from rewards.campaigns import approvals, funders
from rewards.models import Campaign, RedemptionRow, VoucherRow
from rewards.vouchers.models import MAILING, CodeBatch
from wallet import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResult:
    """budget_left_minor: not yet paid out; issued: vouchers given, codes of batches included; redemptions,
    redeemed_minor: uses that stand, less what was rolled back; needs_approval: before it may run with its budget"""

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
    revision: int
    rule: dict[str, Any] | None
    schedule: dict[str, Any] | None
    limits: Sequence[dict[str, Any]]
    holdout_bps: int
    funders: Sequence[dict[str, Any]]
    category: str | None
    is_exclusive: bool
    priority: int
    uses_per_code: int | None
    is_transferable: bool
    copied_from: UUID | None
    funded_minor: int
    approved_minor: int
    needs_approval: bool
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
            .where(VoucherRow.campaign_id.in_(wanted), VoucherRow.batch_id.is_(None))
            .group_by(VoucherRow.campaign_id)
        )
    }
    used = {
        row[0]: (row[1], int(row[2]))
        for row in session.execute(
            select(
                RedemptionRow.campaign_id, func.count(), func.sum(RedemptionRow.amount_minor - RedemptionRow.back_minor)
            )
            .where(RedemptionRow.campaign_id.in_(wanted), RedemptionRow.state != "rolled_back")
            .group_by(RedemptionRow.campaign_id)
        )
    }
    made = select(CodeBatch.campaign_id, func.sum(CodeBatch.made)).where(CodeBatch.campaign_id.in_(wanted))
    # A mailing's vouchers are given to customers one by one, and were counted as such.
    for campaign_id, codes in session.execute(made.where(CodeBatch.kind != MAILING).group_by(CodeBatch.campaign_id)):
        issued[campaign_id] = issued.get(campaign_id, 0) + int(codes)
    of_funders = funders.of_many(session, wanted)
    return [
        _result(
            each,
            of_funders.get(each.id, [{"funder": funders.BRAND, "bps": funders.WHOLE_BPS}]),
            left.get(budgets[each.id], 0),
            issued.get(each.id, 0),
            *used.get(each.id, (0, 0)),
        )
        for each in campaigns
    ]


#: What a result takes off the campaign's row as it is.
_AS_THEY_ARE = [each.name for each in fields(CampaignResult) if each.name in Campaign.__table__.columns]


def _result(
    campaign: Campaign, of: Sequence[dict[str, Any]], left: int, issued: int, redemptions: int, redeemed_minor: int
) -> CampaignResult:
    return CampaignResult(
        **{name: getattr(campaign, name) for name in _AS_THEY_ARE},
        has_audience=campaign.audience_id is not None,
        funders=of,
        needs_approval=approvals.is_needed(campaign, campaign.funded_minor),
        budget_left_minor=left,
        issued=issued,
        redemptions=redemptions,
        redeemed_minor=redeemed_minor,
    )
