"""A campaign as it is written down: what staff send, what versions keep, what a copy begins with."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from core.events.announce import jsonable
from rewards.campaigns import funders
from rewards.models import Campaign, CampaignSku


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A campaign to create.

    discount            JSON as in `rewards.discounts`
    skus                the products that it covers; None for all
    limit_total         uses in all (of a gift card: cards issued); None for no limit
    limit_per_customer  uses by each customer (of a gift card: cards each may get); None for no limit
    audience_id         from `audiences.create`; None for everyone
    voucher_days        how long a voucher lasts; None: a coupon as long as its campaign, a gift card for ever
    budget_minor        moved from its funders at once
    starts_now          for what is brought in as it runs elsewhere: nobody is asked for an approval
    rule                JSON as in `rewards.rules`, which a basket must meet; None for no condition
    schedule, limits    JSON as in `campaigns.schedules` and `campaigns.limits`
    holdout_bps         the share of customers who are never given it; holdout_salt draws them (None: the campaign's id)
    funders             JSON as in `campaigns.funders`; none: the brand alone
    category            a basket takes one coupon of a category; is_exclusive: it takes no other coupon beside it
    priority            of coupons that take as much off a basket the highest is used
    uses_per_code       of a code that belongs to nobody; None for no limit
    is_transferable     its coupons may be given to friends; gift cards always may
    """

    name: str
    kind: str
    discount: dict[str, object]
    currency: str
    starts_at: datetime
    ends_at: datetime
    skus: Sequence[str] | None = None
    min_spend_minor: int = 0
    limit_total: int | None = None
    limit_per_customer: int | None = 1
    audience_id: UUID | None = None
    voucher_days: int | None = None
    budget_minor: int = 0
    starts_now: bool = False
    rule: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    limits: Sequence[dict[str, Any]] = ()
    holdout_bps: int = 0
    holdout_salt: UUID | None = None
    funders: Sequence[dict[str, Any]] = ()
    category: str | None = None
    is_exclusive: bool = False
    priority: int = 0
    uses_per_code: int | None = 1
    is_transferable: bool = False
    copied_from: UUID | None = None


#: What a campaign's row holds of a draft.
COLUMNS = tuple(
    each.name for each in fields(Draft) if each.name not in ("skus", "budget_minor", "starts_now", "funders")
)
#: What versions keep: what a campaign promises.
TERMS = (*[name for name in COLUMNS if name != "copied_from"], "skus", "funders")


def locked(session: Session, campaign_id: UUID) -> Campaign:
    """The campaign, until the transaction ends; vouchers that are being given meanwhile are there, or wait.

    raises  NotFound
    """
    query = select(Campaign).where(Campaign.id == campaign_id).with_for_update()
    campaign = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if campaign is None:
        raise NotFound("There is no such campaign")
    return campaign


def of(session: Session, campaign: Campaign) -> Draft:
    """A campaign as it could be written down anew, without its money."""
    values = {name: getattr(campaign, name) for name in COLUMNS}
    return Draft(**values, skus=_skus(session, campaign), funders=funders.of(session, campaign.id))


def row(draft: Draft) -> dict[str, Any]:
    """The columns of a campaign's row."""
    return {name: getattr(draft, name) for name in COLUMNS} | {
        "limits": list(draft.limits),
        "is_scoped": draft.skus is not None,
    }


def told(draft: Draft) -> dict[str, Any]:
    """The terms as JSON, for versions and for whoever approves them."""
    terms: dict[str, Any] = {name: jsonable(getattr(draft, name)) for name in TERMS}
    return terms | {"skus": None if draft.skus is None else sorted(set(draft.skus))}


def keep_scopes(session: Session, made: Sequence[tuple[UUID, Draft]]) -> None:
    """COPY, since scopes of thousands of products are common."""
    rows = [(campaign_id, sku) for campaign_id, draft in made for sku in sorted(set(draft.skus or ()))]
    if rows:
        with (
            connection_of(session).cursor() as cursor,
            cursor.copy("COPY rewards.campaign_sku (campaign_id, sku) FROM STDIN") as copy,
        ):
            for each in rows:
                copy.write_row(each)


def replace_scope(session: Session, campaign_id: UUID, draft: Draft) -> None:
    session.execute(delete(CampaignSku).where(CampaignSku.campaign_id == campaign_id))
    keep_scopes(session, [(campaign_id, draft)])


def _skus(session: Session, campaign: Campaign) -> list[str] | None:
    if not campaign.is_scoped:
        return None
    query = select(CampaignSku.sku).where(CampaignSku.campaign_id == campaign.id).order_by(CampaignSku.sku)
    return list(session.scalars(query))
