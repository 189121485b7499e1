"""Copies: a draft with the terms of another campaign, and no money."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFound
from core.events import announce
from rewards.campaigns import drafting, drafts
from rewards.campaigns.events import CampaignCopied
from rewards.models import Campaign


def copy(
    session: Session,
    *,
    campaign_id: UUID,
    name: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    keeps_holdout: bool,
    actor: str,
    now: datetime,
) -> UUID:
    """A draft of the same terms; its id.

    starts_at, ends_at  None: as its origin's
    keeps_holdout       the same customers are held out of it; else others are drawn
    raises              NotFound; InvalidInput where it would end before it starts
    effects             announces campaign.created and campaign.copied; audited
    """
    origin = session.get(Campaign, campaign_id)
    if origin is None:
        raise NotFound("There is no such campaign")
    draft = replace(
        drafts.of(session, origin),
        name=name,
        starts_at=starts_at or origin.starts_at,
        ends_at=ends_at or origin.ends_at,
        holdout_salt=(origin.holdout_salt or origin.id) if keeps_holdout else None,
        copied_from=campaign_id,
    )
    made = drafting.create(session, draft, actor=actor, now=now)

    change = {"copied_from": str(campaign_id)}
    audit.record(session, actor=actor, action="campaign.copy", target=f"campaign:{made}", change=change, now=now)
    announce(session, CampaignCopied(occurred_at=now, campaign_id=made, copied_from=campaign_id))
    return made
