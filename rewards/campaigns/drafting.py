"""Campaigns: what staff offer, to whom, how often and on which budget."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import audit, ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from core.events import Event, announce, announce_all
from core.notes import Notes
from rewards import audiences, counters, discounts, rules, terms
from rewards.campaigns import catalogue, limits, schedules
from rewards.errors import CampaignStatusRefused
from rewards.events import CampaignCreated, CampaignEnded, CampaignFunded, CampaignPaused, CampaignStarted
from rewards.models import Campaign, Counter
from rewards.rules import uses as rule_uses
from wallet import accounts, ledger
from wallet.accounts import BRAND, Opening
from wallet.ledger import Leg, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A campaign to create.

    discount            JSON as in `rewards.discounts`
    skus                the products that it covers; None for all
    limit_total         uses in all (of a gift card: cards issued); None for no limit
    limit_per_customer  uses by each customer (of a gift card: cards each may get); None for no limit
    audience_id         from `audiences.create`; None for everyone
    voucher_days        how long a voucher lasts; None: a coupon as long as its campaign, a gift card for ever
    budget_minor        moved from the brand's marketing fund at once
    rule                JSON as in `rewards.rules`, which a basket must meet; None for no condition
    schedule, limits    JSON as in `campaigns.schedules` and `campaigns.limits`
    holdout_bps         the share of customers who are never given it
    category            a basket takes one coupon of a category; is_exclusive: it takes no other coupon beside it
    priority            of coupons that take as much off a basket the highest is used
    uses_per_code       of a code that belongs to nobody; None for no limit
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
    category: str | None = None
    is_exclusive: bool = False
    priority: int = 0
    uses_per_code: int | None = 1


#: From which states each state can be reached; ended is for good.
_REACHED_FROM = {"running": ("draft", "paused"), "paused": ("running",), "ended": ("draft", "running", "paused")}
_ANNOUNCES = {"running": CampaignStarted, "paused": CampaignPaused, "ended": CampaignEnded}


def create(
    session: Session, draft: Draft, *, audience: Sequence[UUID] | None = None, actor: str, now: datetime
) -> UUID:
    """Create one campaign, meant for `audience` alone if given.

    raises  as `create_all`
    """
    if audience is not None:
        draft = replace(draft, audience_id=audiences.create(session, audience, now=now))
    return create_all(session, [draft], actor=actor, now=now)[0]


def create_all(session: Session, drafts: Sequence[Draft], *, actor: str, now: datetime) -> list[UUID]:
    """Create many campaigns with their scopes, budgets and limits, in a handful of statements; their ids in order.

    raises   InvalidInput for a discount that makes no sense, or a window that ends before it begins
    effects  one posting for all budgets; audit rows; announces campaign.created (and .funded, .started)
    """
    _check_all(session, drafts)
    made = [(ids.new(), draft) for draft in drafts]
    session.execute(insert(Campaign), [_row(campaign_id, draft, actor=actor, now=now) for campaign_id, draft in made])
    _keep_scopes(session, made)
    limited = [(campaign_id, draft.limit_total) for campaign_id, draft in made if draft.limit_total is not None]
    if limited:
        rows = [{"campaign_id": made_id, "scope": counters.TOTAL, "used": 0, "cap": cap} for made_id, cap in limited]
        session.execute(insert(Counter), rows)
    funded = [(campaign_id, draft) for campaign_id, draft in made if draft.budget_minor]
    _open_budgets(session, made)
    ledger.post_all(
        connection_of(session),
        [_funding(made_id, d.budget_minor, d.currency, key="budget", actor=actor, now=now) for made_id, d in funded],
    )
    for campaign_id, draft in made:
        change = {"name": draft.name, "kind": draft.kind, "budget_minor": draft.budget_minor}
        audit.record(
            session, actor=actor, action="campaign.create", target=f"campaign:{campaign_id}", change=change, now=now
        )

    for campaign_id, draft in made:
        if draft.rule is not None:
            rule_uses.note_uses(session, campaign_id=campaign_id, condition=draft.rule)
    catalogue.touch(session, [campaign_id for campaign_id, _ in made])
    facts: list[Event] = [CampaignCreated(occurred_at=now, campaign_id=made_id, kind=d.kind) for made_id, d in made]
    facts += [CampaignStarted(occurred_at=now, campaign_id=made_id) for made_id, d in made if d.starts_now]
    announce_all(session, facts)
    return [campaign_id for campaign_id, _ in made]


def fund(session: Session, *, campaign_id: UUID, amount_minor: int, key: str, actor: str, now: datetime) -> UUID:
    """Move more of the brand's marketing fund to a campaign's budget, once for each key; the campaign's id.

    raises   NotFound; CampaignStatusRefused when it has ended
    effects  announces campaign.funded
    """
    campaign = _locked(session, campaign_id)
    if campaign.state == "ended":
        raise CampaignStatusRefused(campaign_status=campaign.state)

    transfer = _funding(campaign_id, amount_minor, campaign.currency, key=f"fund:{key}", actor=actor, now=now)
    if not ledger.post(connection_of(session), transfer).replayed:
        change = {"amount_minor": amount_minor}
        audit.record(
            session, actor=actor, action="campaign.fund", target=f"campaign:{campaign_id}", change=change, now=now
        )
    return campaign_id


def start(session: Session, *, campaign_id: UUID, actor: str, now: datetime) -> Campaign:
    """Let its vouchers be given and used, within its window."""
    return set_state(session, campaign_id=campaign_id, state="running", actor=actor, now=now)


def pause(session: Session, *, campaign_id: UUID, actor: str, now: datetime) -> Campaign:
    """Refuse its coupons until it is started again; gift cards that customers hold go on."""
    return set_state(session, campaign_id=campaign_id, state="paused", actor=actor, now=now)


def end_(session: Session, *, campaign_id: UUID, actor: str, now: datetime) -> Campaign:
    """End it for good; gift cards that customers hold go on."""
    return set_state(session, campaign_id=campaign_id, state="ended", actor=actor, now=now)


def set_state(session: Session, *, campaign_id: UUID, state: str, actor: str, now: datetime) -> Campaign:
    """Start, pause or end; to set the state that it has changes nothing.

    raises   NotFound; CampaignStatusRefused for a step that cannot be taken
    effects  announces campaign.started, .paused or .ended
    """
    campaign = _locked(session, campaign_id)
    if campaign.state == state:
        return campaign
    if campaign.state not in _REACHED_FROM.get(state, ()):
        raise CampaignStatusRefused(
            f"A campaign that is {campaign.state} cannot become {state}", campaign_status=campaign.state
        )

    change = {"from": campaign.state, "to": state}
    campaign.state = state
    catalogue.touch(session, [campaign_id])
    audit.record(
        session, actor=actor, action="campaign.state", target=f"campaign:{campaign_id}", change=change, now=now
    )

    announce(session, _ANNOUNCES[state](occurred_at=now, campaign_id=campaign_id))
    return campaign


def _check_all(session: Session, drafts: Sequence[Draft]) -> None:
    named = [draft.rule for draft in drafts if draft.rule is not None]
    known = rule_uses.known_to(connection_of(session), named, are_kept=True) if named else {}
    for draft in drafts:
        _check(draft)
        notes = Notes()
        if draft.rule is not None:
            rules.parse(draft.rule, notes.at("rule"), known=known)
        if draft.schedule is not None:
            schedules.parse(draft.schedule, notes.at("schedule"))
        limits.parse(list(draft.limits), notes.at("limits"), is_gift_card=draft.kind == "gift_card")
        if notes.errors:
            raise InvalidInput(errors=notes.errors)


def _check(draft: Draft) -> None:
    discounts.parse(draft.kind, draft.discount)
    if draft.starts_at >= draft.ends_at:
        raise InvalidInput(errors=[{"pointer": "/ends_at", "detail": "must be after starts_at"}])
    if draft.skus is not None and (not draft.skus or draft.kind == "gift_card"):
        detail = "a gift card pays for everything" if draft.kind == "gift_card" else "must name a product"
        raise InvalidInput(errors=[{"pointer": "/skus", "detail": detail}])


def _row(campaign_id: UUID, draft: Draft, *, actor: str, now: datetime) -> dict[str, object]:
    return {
        "id": campaign_id,
        "name": draft.name,
        "kind": draft.kind,
        "discount": draft.discount,
        "currency": draft.currency,
        "is_scoped": draft.skus is not None,
        "min_spend_minor": draft.min_spend_minor,
        "limit_total": draft.limit_total,
        "limit_per_customer": draft.limit_per_customer,
        "audience_id": draft.audience_id,
        "voucher_days": draft.voucher_days,
        "state": "running" if draft.starts_now else "draft",
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "rule": draft.rule,
        "schedule": draft.schedule,
        "limits": list(draft.limits),
        "holdout_bps": draft.holdout_bps,
        "category": draft.category,
        "is_exclusive": draft.is_exclusive,
        "priority": draft.priority,
        "uses_per_code": draft.uses_per_code,
        "funded_minor": draft.budget_minor,
        "created_by": actor,
        "created_at": now,
    }


def _keep_scopes(session: Session, made: Sequence[tuple[UUID, Draft]]) -> None:
    """COPY, since scopes of thousands of products are common."""
    rows = [(campaign_id, sku) for campaign_id, draft in made for sku in sorted(set(draft.skus or ()))]
    if rows:
        with (
            connection_of(session).cursor() as cursor,
            cursor.copy("COPY rewards.campaign_sku (campaign_id, sku) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


def _open_budgets(session: Session, made: Sequence[tuple[UUID, Draft]]) -> None:
    budgets = [Opening(terms.owner_of(campaign_id), "budget", draft.currency, 0) for campaign_id, draft in made]
    funds = {accounts.of_marketing(draft.currency) for _, draft in made}
    accounts.open_all(session, [*budgets, *funds])


def _funding(campaign_id: UUID, amount_minor: int, currency: str, *, key: str, actor: str, now: datetime) -> Transfer:
    return Transfer(
        id=ids.new(),
        principal=actor,
        key=f"campaign:{campaign_id}:{key}",
        fingerprint=hashlib.sha256(f"{campaign_id}|{amount_minor}|{currency}".encode()).digest(),
        kind="campaign.funding",
        legs=(
            Leg(accounts.id_of(BRAND, "marketing", currency), -amount_minor),
            Leg(accounts.id_of(terms.owner_of(campaign_id), "budget", currency), amount_minor),
        ),
        effective_at=now,
        details={"campaign_id": str(campaign_id)},
        events=(
            CampaignFunded(occurred_at=now, campaign_id=campaign_id, amount_minor=amount_minor, currency=currency),
        ),
    )


def _locked(session: Session, campaign_id: UUID) -> Campaign:
    query = select(Campaign).where(Campaign.id == campaign_id).with_for_update()
    campaign = session.execute(query).scalar_one_or_none()
    if campaign is None:
        raise NotFound("There is no such campaign")
    return campaign
