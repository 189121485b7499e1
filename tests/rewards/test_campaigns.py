"""Campaigns: created, funded, started and stopped, with every deed in the audit log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.errors import InvalidInput, NotFound
from core.idempotency import KeyReused
from rewards import audiences, campaigns, products
from rewards.campaigns import Draft, results
from rewards.errors import CampaignStatusRefused
from rewards.products import Product
from tests.rewards.conftest import NOW, World


def fund(campaign_id: UUID, amount_minor: int, key: str) -> None:
    with transaction() as session:
        campaigns.fund(
            session, campaign_id=campaign_id, amount_minor=amount_minor, key=key, actor="staff:test", now=NOW
        )


def set_state(campaign_id: UUID, state: str) -> None:
    with transaction() as session:
        campaigns.set_state(session, campaign_id=campaign_id, state=state, actor="staff:test", now=NOW)


def draft(**changes: Any) -> Draft:
    given: dict[str, Any] = {
        "name": "Tea",
        "kind": "coupon",
        "discount": {"kind": "lines"},
        "currency": "USD",
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=1),
    }
    return Draft(**(given | changes))


def test_budget_comes_out_of_the_brands_marketing_fund(world: World) -> None:
    campaign = world.campaign(budget_minor=1_000)

    fund(campaign, 500, "a")
    fund(campaign, 500, "a")
    fund(campaign, 250, "b")

    assert (world.budget(campaign), world.balance("brand", "marketing")) == (1_750, -1_750)
    assert [event["amount_minor"] for event in world.events("campaign.funded")] == [1_000, 500, 250]
    with pytest.raises(KeyReused):
        fund(campaign, 501, "a")


def test_ended_campaign_cannot_be_funded_or_started_again(world: World) -> None:
    campaign = world.campaign()
    set_state(campaign, "ended")

    with pytest.raises(CampaignStatusRefused):
        set_state(campaign, "running")
    with pytest.raises(CampaignStatusRefused):
        fund(campaign, 1, "a")


def test_draft_cannot_be_paused(world: World) -> None:
    with pytest.raises(CampaignStatusRefused):
        set_state(world.campaign(starts_now=False), "paused")


def test_each_deed_is_audited_and_announced_once(world: World) -> None:
    campaign = world.campaign(starts_now=False)

    for state in ("running", "running", "paused", "running", "ended"):
        set_state(campaign, state)
    fund(world.campaign(), 5, "a")

    query = "SELECT action FROM core.audit_entry WHERE actor = 'staff:test' AND target = %s ORDER BY id"
    deeds = [row[0] for row in world.rows(query, f"campaign:{campaign}")]
    assert deeds == ["campaign.create", *["campaign.state"] * 4]
    assert len(world.events("campaign.paused")) == len(world.events("campaign.ended")) == 1


def test_unknown_campaign_is_not_found(world: World) -> None:
    for act in (lambda: set_state(ids.new(), "running"), lambda: fund(ids.new(), 1, "a")):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ends_at": NOW}, "/ends_at"),
        ({"skus": []}, "/skus"),
        ({"kind": "gift_card", "discount": {"kind": "value", "amount_minor": 1}, "skus": ["tea"]}, "/skus"),
        ({"discount": {"kind": "free"}}, "/discount/kind"),
    ],
)
def test_campaign_that_makes_no_sense_is_refused_by_name(world: World, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal, transaction() as session:
        campaigns.create(session, draft(**changes), actor="staff:test", now=NOW)
    assert refusal.value.facts["errors"][0]["pointer"] == pointer


def test_many_campaigns_share_an_audience_and_one_posting(world: World) -> None:
    customer = world.customer()
    with transaction() as session:
        audience = audiences.create(session, [customer], now=NOW)
        made = campaigns.create_all(
            session,
            [
                draft(skus=["tea", "milk", "tea"], audience_id=audience, budget_minor=amount, starts_now=True)
                for amount in (100, 0, 300)
            ],
            actor="operator",
            now=NOW,
        )

    assert [world.budget(campaign) for campaign in made] == [100, 0, 300]
    assert world.rows("SELECT count(*) FROM rewards.campaign_sku") == [(6,)]
    assert world.rows("SELECT count(*) FROM rewards.audience_member") == [(1,)]
    assert world.voucher(made[1], customer).campaign_id == made[1]


def test_results_tell_what_is_left_given_and_used(world: World) -> None:
    older, campaign = world.campaign(), world.gift_campaign(2_000)
    world.voucher(campaign, world.customer())

    with transaction() as session:
        found = results.page(session, before=None, limit=1)
        rest = results.page(session, before=found[0].id, limit=5)

    assert (found[0].id, found[0].budget_left_minor, found[0].issued, found[0].redemptions) == (campaign, 98_000, 1, 0)
    assert [each.id for each in rest] == [older]


def test_products_are_replaced_by_sku(world: World) -> None:
    with transaction() as session:
        products.put_all(session, [Product("1", "Tea", "DRINKS"), Product("2", "Milk", "DAIRY")])
        products.put_all(session, [Product("2", "Oat milk", "DAIRY", brand="Ours")])

    assert world.rows("SELECT sku, name, brand FROM rewards.product ORDER BY sku") == [
        ("1", "Tea", None), ("2", "Oat milk", "Ours")
    ]  # fmt: skip
