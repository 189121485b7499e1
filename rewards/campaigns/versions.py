"""Versions: a campaign's terms changed, and each state of them kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from core.errors import NotFound
from core.events import announce
from rewards.campaigns import approvals, catalogue, checking, drafts, funders
from rewards.campaigns.drafts import Draft
from rewards.campaigns.errors import CampaignTermsFixed
from rewards.campaigns.events import CampaignChanged
from rewards.campaigns.models import CampaignVersion
from rewards.errors import CampaignStatusRefused
from rewards.models import Campaign, VoucherRow
from rewards.rules import uses
from rewards.vouchers.models import REFUSED, CodeBatch

#: What a customer holds once a voucher was given: another discount is another campaign.
_PROMISED = ("discount", "skus")

_PAUSE_FIRST = "Pause the campaign first: with other terms it must be approved again"


def change(session: Session, *, campaign_id: UUID, changes: Mapping[str, Any], actor: str, now: datetime) -> UUID:
    """Give a campaign other terms, from now on; its id. A value that it has already changes nothing.

    changes  by the names of `Draft`'s members; neither kind, currency nor audience
    raises   as `drafting.create_all`; NotFound; CampaignStatusRefused when it has ended; CampaignTermsFixed for what
             vouchers that were given promise, and for funders who have paid; CampaignApprovalNeeded while it runs
             above the value that needs a second person
    effects  a new revision, which every till goes by from the commit on; announces campaign.changed; audited
    """
    _keep_rules(session, campaign_id, changes)
    campaign = drafts.locked(session, campaign_id)
    before = drafts.of(session, campaign)
    after = replace(before, **changes)
    old, new = drafts.told(before), drafts.told(after)
    changed = [name for name in new if new[name] != old[name]]
    if not changed:
        return campaign_id
    if campaign.state == "ended":
        raise CampaignStatusRefused(campaign_status=campaign.state)
    checking.check_all(session, [after])
    _refuse_fixed(session, campaign, changed)

    for name, value in drafts.row(after).items():
        setattr(campaign, name, value)
    if "skus" in changed:
        drafts.replace_scope(session, campaign_id, after)
    if "funders" in changed:
        funders.replace_(session, campaign_id, after.funders)
    if "rule" in changed:
        uses.note_uses(session, campaign_id=campaign_id, condition=after.rule)
    _revise(session, campaign, after, is_name_alone=changed == ["name"], actor=actor, now=now)
    catalogue.touch(session, [campaign_id])
    told = {name: [_short(old[name]), _short(new[name])] for name in changed}
    _record(session, campaign, {"revision": campaign.revision, "changed": told}, actor=actor, now=now)
    return campaign_id


def renew(session: Session, campaign_ids: Collection[UUID], *, actor: str, now: datetime) -> None:
    """Give campaigns a new revision because a saved rule that they name says something else now.

    raises   CampaignApprovalNeeded where one runs above the value that needs a second person
    effects  as `change`
    """
    for campaign_id in sorted(campaign_ids):
        campaign = drafts.locked(session, campaign_id)
        _revise(session, campaign, drafts.of(session, campaign), is_name_alone=False, actor=actor, now=now)
        _record(session, campaign, {"revision": campaign.revision, "changed": "rule"}, actor=actor, now=now)
    catalogue.touch(session, campaign_ids)


def note(session: Session, made: Sequence[tuple[UUID, int, Draft]], *, actor: str, now: datetime) -> None:
    """Keep these revisions of campaigns."""
    rows = [
        {"campaign_id": each, "revision": revision, "terms": drafts.told(draft), "made_by": actor, "made_at": now}
        for each, revision, draft in made
    ]
    if rows:
        session.execute(insert(CampaignVersion), rows)


def page(session: Session, campaign_id: UUID, *, before: int | None, limit: int) -> Sequence[CampaignVersion]:
    """A campaign's versions, latest first, from the one before `before` on.

    raises  NotFound
    """
    if session.get(Campaign, campaign_id) is None:
        raise NotFound("There is no such campaign")
    query = select(CampaignVersion).where(CampaignVersion.campaign_id == campaign_id)
    if before is not None:
        query = query.where(CampaignVersion.revision < before)
    return session.scalars(query.order_by(CampaignVersion.revision.desc()).limit(limit)).all()


def _keep_rules(session: Session, campaign_id: UUID, changes: Mapping[str, Any]) -> None:
    """Saved rules are locked before campaigns, as by whoever changes a rule and then the campaigns that use it."""
    now_named = session.scalar(select(Campaign.rule).where(Campaign.id == campaign_id))
    named = [rule for rule in (now_named, changes.get("rule")) if rule is not None]
    if named:
        uses.known_to(connection_of(session), named, are_kept=True)


def _refuse_fixed(session: Session, campaign: Campaign, changed: Sequence[str]) -> None:
    fixed = [name for name in changed if name in _PROMISED]
    if fixed:
        fixed = fixed if _has_given(session, campaign.id) else []
    if "funders" in changed and campaign.funded_minor:
        fixed.append("funders")
    if fixed:
        raise CampaignTermsFixed(f"Fixed by now: {', '.join(fixed)}. Copy the campaign instead", terms=fixed)


def _has_given(session: Session, campaign_id: UUID) -> bool:
    """A batch counts from when it was asked for: its codes are looked up by it, not by their campaign."""
    given = select(VoucherRow.id).where(VoucherRow.campaign_id == campaign_id, VoucherRow.batch_id.is_(None))
    batch = select(CodeBatch.id).where(CodeBatch.campaign_id == campaign_id, CodeBatch.state != REFUSED)
    return any(session.scalar(query.limit(1)) is not None for query in (given, batch))


def _revise(
    session: Session, campaign: Campaign, after: Draft, *, is_name_alone: bool, actor: str, now: datetime
) -> None:
    campaign.revision += 1
    if not is_name_alone:
        campaign.approved_minor = 0
        if campaign.state == "running":
            approvals.refuse_unapproved(session, campaign, campaign.funded_minor, _PAUSE_FIRST)
    note(session, [(campaign.id, campaign.revision, after)], actor=actor, now=now)


def _record(session: Session, campaign: Campaign, change: dict[str, Any], *, actor: str, now: datetime) -> None:
    target = f"campaign:{campaign.id}"
    audit.record(session, actor=actor, action="campaign.change", target=target, change=change, now=now)
    announce(session, CampaignChanged(occurred_at=now, campaign_id=campaign.id, revision=campaign.revision))


def _short(value: Any) -> Any:
    """For the audit log, where thousands of products are told by their number; versions have them all."""
    return f"{len(value)} products" if isinstance(value, list) and len(value) > 50 else value
