"""Statuses: a campaign is a draft, runs, is paused, and has ended for good."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.events import announce
from rewards.campaigns import approvals, catalogue, drafts
from rewards.errors import CampaignStatusRefused
from rewards.events import CampaignEnded, CampaignPaused, CampaignStarted
from rewards.models import Campaign

#: From which states each state can be reached; ended is for good.
_REACHED_FROM = {"running": ("draft", "paused"), "paused": ("running",), "ended": ("draft", "running", "paused")}
_ANNOUNCES = {"running": CampaignStarted, "paused": CampaignPaused, "ended": CampaignEnded}


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

    raises   NotFound; CampaignStatusRefused for a step that cannot be taken; CampaignApprovalNeeded to start what a
             second person must approve first
    effects  announces campaign.started, .paused or .ended
    """
    campaign = drafts.locked(session, campaign_id)
    if campaign.state == state:
        return campaign
    if campaign.state not in _REACHED_FROM.get(state, ()):
        raise CampaignStatusRefused(
            f"A campaign that is {campaign.state} cannot become {state}", campaign_status=campaign.state
        )
    if state == "running":
        approvals.refuse_unapproved(session, campaign, campaign.funded_minor)

    change = {"from": campaign.state, "to": state}
    campaign.state = state
    catalogue.touch(session, [campaign_id])
    audit.record(
        session, actor=actor, action="campaign.state", target=f"campaign:{campaign_id}", change=change, now=now
    )

    announce(session, _ANNOUNCES[state](occurred_at=now, campaign_id=campaign_id))
    return campaign
