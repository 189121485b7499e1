"""Funding: a campaign's budget, an account of the ledger, filled by its funders; what is left goes back to them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.db import Connection, connection_of
from core.events import Event, announce
from rewards import funds, terms
from rewards.campaigns import approvals, drafts, funders
from rewards.campaigns.drafts import Draft
from rewards.campaigns.events import CampaignReleased
from rewards.campaigns.funders import Shares
from rewards.errors import CampaignStatusRefused
from rewards.events import CampaignFunded
from rewards.models import Campaign
from wallet import accounts, ledger
from wallet.accounts import Opening
from wallet.ledger import Transfer


def first(session: Session, made: Sequence[tuple[UUID, Draft]], *, actor: str, now: datetime) -> None:
    """Open the budgets of new campaigns, and fill them with one posting."""
    openings = [_budget(campaign_id, draft.currency) for campaign_id, draft in made]
    openings += [accounts.of_marketing(draft.currency) for _, draft in made]
    openings += _accounts([(draft.funders, draft.currency) for _, draft in made])
    accounts.open_all(session, openings)
    ledger.post_all(
        connection_of(session),
        [
            _funding(campaign_id, draft.funders, draft.budget_minor, draft.currency, key="budget", actor=actor, now=now)
            for campaign_id, draft in made
            if draft.budget_minor
        ],
    )


def fund(session: Session, *, campaign_id: UUID, amount_minor: int, key: str, actor: str, now: datetime) -> UUID:
    """Move more from a campaign's funders to its budget, once for each key; the campaign's id.

    raises   NotFound; CampaignStatusRefused when it has ended; CampaignApprovalNeeded where it runs and would come to
             more than a second person has approved
    effects  announces campaign.funded
    """
    campaign = drafts.locked(session, campaign_id)
    if campaign.state == "ended":
        raise CampaignStatusRefused(campaign_status=campaign.state)

    of = funders.of(session, campaign_id)
    accounts.open_all(session, _accounts([(of, campaign.currency)]))
    transfer = _funding(campaign_id, of, amount_minor, campaign.currency, key=f"fund:{key}", actor=actor, now=now)
    if not ledger.post(connection_of(session), transfer).replayed:
        campaign.funded_minor += amount_minor
        if campaign.state == "running":
            approvals.refuse_unapproved(session, campaign, campaign.funded_minor)
        change = {"amount_minor": amount_minor}
        audit.record(
            session, actor=actor, action="campaign.fund", target=f"campaign:{campaign_id}", change=change, now=now
        )
    return campaign_id


def release(session: Session, *, campaign_id: UUID, key: str, actor: str, now: datetime) -> UUID:
    """Give what is left of an ended campaign's budget back to its funders, by their shares; the campaign's id.

    raises   NotFound; CampaignStatusRefused before it has ended
    effects  announces campaign.released, unless nothing is left; what rollbacks bring back later can be released again
    """
    campaign = drafts.locked(session, campaign_id)
    if campaign.state != "ended":
        raise CampaignStatusRefused("Only a campaign that has ended is released", campaign_status=campaign.state)

    released = funds.post_with(
        session, lambda connection, _: _release(session, connection, campaign, key=key, actor=actor, now=now)
    )
    if released:
        change = {"amount_minor": released}
        audit.record(
            session, actor=actor, action="campaign.release", target=f"campaign:{campaign_id}", change=change, now=now
        )
    return campaign_id


def _release(
    session: Session, connection: Connection, campaign: Campaign, *, key: str, actor: str, now: datetime
) -> int:
    """What went back; a till that takes from the budget at this moment has it read again."""
    budget = _budget(campaign.id, campaign.currency)
    left = funds.available(connection, [budget.id]).get(budget.id, 0)
    if left <= 0:
        return 0
    of = funders.of(session, campaign.id)
    accounts.open_all(session, [accounts.of_marketing(campaign.currency), *_accounts([(of, campaign.currency)])])
    posted = ledger.post(
        connection,
        Transfer(
            id=ids.new(),
            principal=actor,
            key=f"campaign:{campaign.id}:release:{key}",
            fingerprint=hashlib.sha256(f"release|{campaign.id}".encode()).digest(),
            kind="campaign.release",
            legs=(budget.leg(-left), *_legs(funders.split(of, left), campaign.currency, 1)),
            effective_at=now,
            details={"campaign_id": str(campaign.id)},
        ),
    )
    if posted.replayed:
        return 0
    announce(
        session,
        CampaignReleased(occurred_at=now, campaign_id=campaign.id, amount_minor=left, currency=campaign.currency),
    )
    return left


def _funding(
    campaign_id: UUID, of: Shares, amount_minor: int, currency: str, *, key: str, actor: str, now: datetime
) -> Transfer:
    facts: tuple[Event, ...] = (
        CampaignFunded(occurred_at=now, campaign_id=campaign_id, amount_minor=amount_minor, currency=currency),
    )
    return Transfer(
        id=ids.new(),
        principal=actor,
        key=f"campaign:{campaign_id}:{key}",
        fingerprint=hashlib.sha256(f"{campaign_id}|{amount_minor}|{currency}".encode()).digest(),
        kind="campaign.funding",
        legs=(
            *_legs(funders.split(of, amount_minor), currency, -1),
            _budget(campaign_id, currency).leg(amount_minor),
        ),
        effective_at=now,
        details={"campaign_id": str(campaign_id)},
        events=facts,
    )


def _legs(parts: Mapping[str, int], currency: str, sign: int) -> list[ledger.Leg]:
    return [funders.account(funder, currency).leg(sign * part) for funder, part in parts.items() if part]


def _budget(campaign_id: UUID, currency: str) -> Opening:
    return Opening(terms.owner_of(campaign_id), "budget", currency, 0)


def _accounts(of: Sequence[tuple[Shares, str]]) -> list[Opening]:
    """The accounts of those who fund campaigns beside the brand."""
    return [funders.account(each["funder"], currency) for given, currency in of for each in given]
