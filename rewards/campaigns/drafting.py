"""Drafting: campaigns created, one or many at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core import audit, ids
from core.events import Event, announce_all
from rewards import audiences, counters
from rewards.campaigns import catalogue, checking, drafts, funders, funding, versions
from rewards.campaigns.drafts import Draft
from rewards.events import CampaignCreated, CampaignStarted
from rewards.models import Campaign, Counter
from rewards.rules import uses


def create(
    session: Session, draft: Draft, *, audience: Sequence[UUID] | None = None, actor: str, now: datetime
) -> UUID:
    """Create one campaign, meant for `audience` alone if given.

    raises  as `create_all`
    """
    if audience is not None:
        draft = replace(draft, audience_id=audiences.create(session, audience, now=now))
    return create_all(session, [draft], actor=actor, now=now)[0]


def create_all(session: Session, given: Sequence[Draft], *, actor: str, now: datetime) -> list[UUID]:
    """Create many campaigns with their scopes, funders, budgets and limits, in a handful of statements; their ids in
    order.

    raises   InvalidInput for what makes no sense: RuleInvalid, ScheduleInvalid, LimitsInvalid, FundersInvalid
    effects  one posting for all budgets; audit rows; announces campaign.created (and .funded, .started)
    """
    names_saved_rules = checking.check_all(session, given)

    made = [(ids.new(), draft) for draft in given]
    columns = [_row(campaign_id, draft, actor=actor, now=now) for campaign_id, draft in made]
    # Else a value that is None, as of uses without a limit, would be left to its column's default.
    session.execute(insert(Campaign), columns, execution_options={"render_nulls": True})
    drafts.keep_scopes(session, made)
    funders.keep(session, [(campaign_id, draft.funders) for campaign_id, draft in made])
    limited = [(campaign_id, draft.limit_total) for campaign_id, draft in made if draft.limit_total is not None]
    if limited:
        rows = [{"campaign_id": made_id, "scope": counters.TOTAL, "used": 0, "cap": cap} for made_id, cap in limited]
        session.execute(insert(Counter), rows)
    for campaign_id, draft in made:
        if names_saved_rules and draft.rule is not None:
            uses.note_uses(session, campaign_id=campaign_id, condition=draft.rule)
    # What comes last is what others wait for: the catalogue's row, and then the balances of the funders.
    versions.note(session, [(campaign_id, 1, draft) for campaign_id, draft in made], actor=actor, now=now)
    catalogue.touch(session, [campaign_id for campaign_id, _ in made])
    funding.first(session, made, actor=actor, now=now)
    for campaign_id, draft in made:
        change = {"name": draft.name, "kind": draft.kind, "budget_minor": draft.budget_minor}
        audit.record(
            session, actor=actor, action="campaign.create", target=f"campaign:{campaign_id}", change=change, now=now
        )

    facts: list[Event] = [CampaignCreated(occurred_at=now, campaign_id=made_id, kind=d.kind) for made_id, d in made]
    facts += [CampaignStarted(occurred_at=now, campaign_id=made_id) for made_id, d in made if d.starts_now]
    announce_all(session, facts)
    return [campaign_id for campaign_id, _ in made]


def _row(campaign_id: UUID, draft: Draft, *, actor: str, now: datetime) -> dict[str, Any]:
    return {
        "id": campaign_id,
        **drafts.row(draft),
        "state": "running" if draft.starts_now else "draft",
        "funded_minor": draft.budget_minor,
        "created_by": actor,
        "created_at": now,
    }
