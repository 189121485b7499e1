"""Holdouts: a steady share of customers goes without, and journeys go on by it."""

from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.errors import Refusal
from rewards import campaigns, terms, vouchers
from rewards.campaigns import holdouts
from rewards.campaigns.errors import HeldOut
from rewards.vouchers import Issue
from tests.rewards.conftest import NOW, World


def drawn(campaign_id: UUID, customers: list[UUID]) -> set[UUID]:
    with transaction() as session:
        of = terms.load_one(session, campaign_id)
    return {customer for customer in customers if holdouts.is_held_out(of, customer)}


def test_about_the_share_is_held_out_and_always_the_same_customers(world: World) -> None:
    customers = [ids.new() for _ in range(4_000)]
    campaign, other = world.campaign(holdout_bps=1_000), world.campaign(holdout_bps=1_000)

    held = drawn(campaign, customers)

    assert 300 < len(held) < 500
    assert held == drawn(campaign, customers)
    assert len(held & drawn(other, customers)) < 100


@pytest.mark.parametrize(("bps", "is_given"), [(0, True), (10_000, False)])
def test_who_is_held_out_is_given_nothing_and_told_so(world: World, bps: int, is_given: bool, refused: Any) -> None:
    for campaign in (world.campaign(holdout_bps=bps), world.gift_campaign(holdout_bps=bps)):
        issue = Issue(campaign_id=campaign, customer_id=world.customer(), source=f"test:{ids.new()}")
        with transaction() as session:
            outcome = vouchers.issue_each(session, [issue], now=NOW)[0]
        assert isinstance(outcome, Refusal) is not is_given
        if not is_given:
            refused(outcome, HeldOut)
            assert world.rows("SELECT count(*) FROM rewards.voucher WHERE campaign_id = %s", campaign) == [(0,)]
            assert world.budget(campaign) == 100_000


def test_generic_code_is_nobodys_and_so_is_made(world: World) -> None:
    assert world.voucher(world.campaign(holdout_bps=10_000), None).code


def test_what_a_customer_holds_stays_theirs(world: World) -> None:
    campaign, customer = world.campaign(), world.customer()
    given = world.voucher(campaign, customer, source="a")
    with transaction() as session:
        campaigns.versions.change(
            session, campaign_id=campaign, changes={"holdout_bps": 10_000}, actor="staff:test", now=NOW
        )

    assert world.voucher(campaign, customer, source="a").id == given.id
    with pytest.raises(HeldOut):
        world.voucher(campaign, customer, source="b")


def test_copy_holds_the_same_customers_out_if_asked(world: World) -> None:
    customers = [ids.new() for _ in range(500)]
    campaign = world.campaign(holdout_bps=2_000)
    with transaction() as session:
        same, others = [
            campaigns.copies.copy(
                session, campaign_id=campaign, name="Again", starts_at=None, ends_at=None, keeps_holdout=keeps,
                actor="staff:test", now=NOW,
            )
            for keeps in (True, False)
        ]  # fmt: skip

    assert drawn(same, customers) == drawn(campaign, customers) != drawn(others, customers)
