"""Approvals: above a value a second person agrees to these very terms, up to a budget."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from auth.errors import AlreadyDecided, ApprovalMismatch, ApprovalNotYours, SelfApproval
from core.db import transaction
from core.errors import NotFound
from core.settings import Settings
from rewards import campaigns
from rewards.campaigns import approvals, versions
from rewards.campaigns.errors import CampaignApprovalNeeded
from rewards.errors import CampaignStatusRefused
from tests.rewards.conftest import NOW, World

ABOVE = 1_000


@pytest.fixture(autouse=True)
def threshold(settings: Settings) -> Iterator[None]:
    approvals.load(replace(settings, campaign_approval_above_minor=ABOVE))
    yield
    approvals.load(settings)


def start(campaign_id: UUID) -> None:
    with transaction() as session:
        campaigns.start(session, campaign_id=campaign_id, actor="staff:ann", now=NOW)


def fund(campaign_id: UUID, amount_minor: int, key: str = "a") -> None:
    with transaction() as session:
        campaigns.fund(session, campaign_id=campaign_id, amount_minor=amount_minor, key=key, actor="staff:ann", now=NOW)


def ask(campaign_id: UUID, up_to_minor: int | None = None) -> UUID:
    with transaction() as session:
        return approvals.ask(
            session, campaign_id=campaign_id, up_to_minor=up_to_minor, note=None, asked_by="staff:ann", now=NOW
        ).id


def decide(campaign_id: UUID, approval_id: UUID, *, by: str = "staff:bob", approve: bool = True) -> str:
    with transaction() as session:
        return approvals.decide(
            session, campaign_id=campaign_id, approval_id=approval_id, approve=approve, reason=None, decided_by=by,
            now=NOW,
        ).status  # fmt: skip


def change(campaign_id: UUID, **changes: Any) -> None:
    with transaction() as session:
        versions.change(session, campaign_id=campaign_id, changes=changes, actor="staff:ann", now=NOW)


def test_budget_up_to_the_value_needs_nobody(world: World) -> None:
    start(world.campaign(starts_now=False, budget_minor=ABOVE))


def test_budget_above_it_starts_once_a_second_person_has_agreed(world: World) -> None:
    campaign = world.campaign(starts_now=False, budget_minor=ABOVE + 1)
    with pytest.raises(CampaignApprovalNeeded) as refusal:
        start(campaign)
    assert refusal.value.facts == {"funded_minor": ABOVE + 1, "approved_minor": 0, "approval_id": None}

    approval = ask(campaign)
    with pytest.raises(CampaignApprovalNeeded) as refusal:
        start(campaign)
    assert refusal.value.facts["approval_id"] == str(approval)
    with pytest.raises(SelfApproval):
        decide(campaign, approval, by="staff:ann")
    assert decide(campaign, approval) == decide(campaign, approval) == "approved"
    start(campaign)

    assert len(world.events("campaign.approval_decided")) == 1


def test_value_in_another_currency_always_needs_one(world: World) -> None:
    with pytest.raises(CampaignApprovalNeeded):
        start(world.campaign(starts_now=False, budget_minor=1, currency="EUR"))


def test_refused_campaign_does_not_start(world: World) -> None:
    campaign = world.campaign(starts_now=False, budget_minor=ABOVE + 1)
    approval = ask(campaign)
    assert decide(campaign, approval, approve=False) == "refused"
    with pytest.raises(CampaignApprovalNeeded):
        start(campaign)
    with pytest.raises(AlreadyDecided):
        decide(campaign, approval)


def test_running_campaign_is_funded_up_to_what_was_approved(world: World) -> None:
    campaign = world.campaign(starts_now=False, budget_minor=ABOVE)
    decide(campaign, ask(campaign, up_to_minor=5_000))
    start(campaign)

    fund(campaign, 4_000)
    with pytest.raises(CampaignApprovalNeeded):
        fund(campaign, 1, key="b")
    fund(campaign, 4_000)  # the same again is no more money

    assert world.budget(campaign) == 5_000


def test_other_terms_need_their_own_word(world: World) -> None:
    campaign = world.campaign(starts_now=False, budget_minor=ABOVE + 1)
    approval = ask(campaign)
    change(campaign, limit_per_customer=50)
    with pytest.raises(ApprovalMismatch):
        decide(campaign, approval)
    decide(campaign, ask(campaign))
    start(campaign)

    change(campaign, name="Other words are no other terms")
    with pytest.raises(CampaignApprovalNeeded):
        change(campaign, limit_per_customer=60)
    with transaction() as session:
        campaigns.pause(session, campaign_id=campaign, actor="staff:ann", now=NOW)
    change(campaign, limit_per_customer=60)
    with pytest.raises(CampaignApprovalNeeded):
        start(campaign)


def test_request_is_withdrawn_by_who_asked_alone(world: World) -> None:
    campaign, other = [world.campaign(starts_now=False, budget_minor=ABOVE + 1) for _ in range(2)]
    approval = ask(campaign)
    with transaction() as session, pytest.raises(ApprovalNotYours):
        approvals.withdraw(session, campaign_id=campaign, approval_id=approval, withdrawn_by="staff:bob", now=NOW)
    with transaction() as session, pytest.raises(NotFound):
        approvals.withdraw(session, campaign_id=other, approval_id=approval, withdrawn_by="staff:ann", now=NOW)
    with pytest.raises(NotFound):
        decide(other, approval)
    with transaction() as session:
        approvals.withdraw(session, campaign_id=campaign, approval_id=approval, withdrawn_by="staff:ann", now=NOW)
    with pytest.raises(AlreadyDecided):
        decide(campaign, approval)


def test_nobody_is_asked_about_a_campaign_without_money_or_future(world: World) -> None:
    ended = world.campaign()
    with transaction() as session:
        campaigns.end_(session, campaign_id=ended, actor="staff:ann", now=NOW)
    for campaign in (ended, world.campaign(budget_minor=0)):
        with pytest.raises(CampaignStatusRefused):
            ask(campaign)
