"""Approvals: a campaign whose budget comes to more than a certain value runs when a second person has agreed.

They agree to its terms as they stand and to a value. Any other terms need their word again; more money than that, too.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import approval_lists, approvals
from auth.models import Approval
from core import audit
from core.errors import NotFound
from core.events import announce
from core.settings import Settings
from rewards.campaigns import drafts
from rewards.campaigns.errors import CampaignApprovalNeeded
from rewards.campaigns.events import CampaignApprovalDecided
from rewards.campaigns.models import CampaignApproval
from rewards.errors import CampaignStatusRefused
from rewards.models import Campaign
from wallet.assets import brand_currency

KIND = "rewards.campaign"

#: So long may a second person take.
TIME_TO_DECIDE = timedelta(days=7)

_above_minor = Settings().campaign_approval_above_minor


def load(settings: Settings) -> None:
    """Take the budget above which a campaign needs a second person."""
    global _above_minor
    _above_minor = settings.campaign_approval_above_minor


def is_needed(campaign: Campaign, funded_minor: int) -> bool:
    """Whether a second person must agree to a budget; what is not of the brand's currency always needs one."""
    above = _above_minor if campaign.currency == brand_currency() else 0
    return funded_minor > max(above, campaign.approved_minor)


def refuse_unapproved(session: Session, campaign: Campaign, funded_minor: int, detail: str | None = None) -> None:
    """raises  CampaignApprovalNeeded, with the approval that waits for its decision if one does"""
    if not is_needed(campaign, funded_minor):
        return
    query = (
        select(CampaignApproval.approval_id)
        .join(Approval, Approval.id == CampaignApproval.approval_id)
        .where(CampaignApproval.campaign_id == campaign.id, Approval.status == approvals.WAITING)
        .order_by(CampaignApproval.approval_id.desc())
        .limit(1)
    )
    waiting = session.scalar(query)
    raise CampaignApprovalNeeded(
        detail,
        funded_minor=funded_minor,
        approved_minor=campaign.approved_minor,
        approval_id=str(waiting) if waiting else None,
    )


def ask(
    session: Session, *, campaign_id: UUID, up_to_minor: int | None, note: str | None, asked_by: str, now: datetime
) -> Approval:
    """Ask for a second person's word on a campaign as it stands, with a budget up to so much (None: what it has).

    raises   NotFound; CampaignStatusRefused for one that has ended or has no budget
    effects  announces approval.asked; audited
    """
    campaign = drafts.locked(session, campaign_id)
    asked_minor = max(up_to_minor or 0, campaign.funded_minor)
    if campaign.state == "ended" or not asked_minor:
        raise CampaignStatusRefused(
            "Only a campaign with a budget that has not ended is approved", campaign_status=campaign.state
        )
    terms = drafts.told(drafts.of(session, campaign))
    approval = approvals.ask(
        session,
        kind=KIND,
        subject={
            "campaign_id": str(campaign_id),
            "revision": campaign.revision,
            "terms": terms | {"skus": None if terms["skus"] is None else len(terms["skus"])},
            "up_to": {"amount_minor": asked_minor, "currency": campaign.currency},
        },
        fingerprint=_fingerprint(terms, asked_minor),
        asked_by=asked_by,
        expires_at=now + TIME_TO_DECIDE,
        now=now,
        note=note,
    )
    session.add(
        CampaignApproval(
            approval_id=approval.id, campaign_id=campaign_id, revision=campaign.revision, asked_minor=asked_minor
        )
    )
    session.flush()
    return approval


def decide(
    session: Session,
    *,
    campaign_id: UUID,
    approval_id: UUID,
    approve: bool,
    reason: str | None,
    decided_by: str,
    now: datetime,
) -> Approval:
    """A second person's word; from a yes on the campaign may run with so much. Their own word again changes nothing.

    raises   NotFound, SelfApproval, AlreadyDecided, ApprovalLapsed; ApprovalMismatch where its terms are others by now
    effects  announces approval.decided, approval.used, campaign.approval_decided; audited
    """
    campaign = drafts.locked(session, campaign_id)
    asked = _of(session, campaign_id, approval_id)
    known = approvals.find(session, approval_id, kind=KIND)
    said = approvals.APPROVED if approve else approvals.REFUSED
    if (known.status, known.decided_by) == (said, decided_by):
        return known
    approval = approvals.decide(
        session, approval_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )
    if approve:
        terms = drafts.told(drafts.of(session, campaign))
        approvals.consume(
            session,
            approval_id,
            kind=KIND,
            fingerprint=_fingerprint(terms, asked.asked_minor),
            used_by=decided_by,
            now=now,
            outcome={"approved_minor": asked.asked_minor},
        )
        campaign.approved_minor = asked.asked_minor

    change = {"approval_id": str(approval_id), "is_approved": approve, "up_to_minor": asked.asked_minor}
    target = f"campaign:{campaign_id}"
    audit.record(session, actor=decided_by, action="campaign.approve", target=target, change=change, now=now)
    announce(
        session,
        CampaignApprovalDecided(
            occurred_at=now, campaign_id=campaign_id, is_approved=approve, asked_minor=asked.asked_minor
        ),
    )
    return approval


def withdraw(session: Session, *, campaign_id: UUID, approval_id: UUID, withdrawn_by: str, now: datetime) -> Approval:
    """raises  NotFound, ApprovalNotYours, AlreadyDecided"""
    _of(session, campaign_id, approval_id)
    return approvals.withdraw(session, approval_id, kind=KIND, withdrawn_by=withdrawn_by, now=now)


def find(session: Session, *, campaign_id: UUID, approval_id: UUID) -> Approval:
    """raises  NotFound"""
    _of(session, campaign_id, approval_id)
    return approvals.find(session, approval_id, kind=KIND)


def shown(session: Session, approval: Approval, *, now: datetime) -> dict[str, Any]:
    """An approval as staff see it."""
    told = approval_lists.shown(session, [approval], now=now)[0]
    return {**told, **told["subject"], "decide_before": told["expires_at"]}


def _of(session: Session, campaign_id: UUID, approval_id: UUID) -> CampaignApproval:
    found = session.get(CampaignApproval, approval_id)
    if found is None or found.campaign_id != campaign_id:
        raise NotFound
    return found


def _fingerprint(terms: dict[str, Any], asked_minor: int) -> bytes:
    return hashlib.sha256(json.dumps([terms, asked_minor], sort_keys=True).encode()).digest()
