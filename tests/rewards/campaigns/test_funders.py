"""Funders: exact shares on the way in and on the way out."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from auth import merchants
from core import ids
from core.db import transaction
from core.errors import Refusal
from core.money import MAX_AMOUNT_MINOR
from rewards import campaigns
from rewards.campaigns import funders
from rewards.errors import CampaignStatusRefused
from tests.rewards.conftest import NOW, World, line
from tests.rewards.test_races import redeem

THIRDS = [
    {"funder": "brand", "bps": 5_000},
    {"funder": "partner:dairy", "bps": 2_500},
    {"funder": "partner:tea", "bps": 2_500},
]


@some.composite
def wholes(draw: some.DrawFn) -> list[dict[str, Any]]:
    cuts = sorted(draw(some.sets(some.integers(1, 9_999), max_size=9)))
    ends = [0, *cuts, 10_000]
    return [{"funder": f"partner:{n}", "bps": b - a} for n, (a, b) in enumerate(pairwise(ends))]


@given(of=wholes(), amount=some.integers(1, MAX_AMOUNT_MINOR))
def test_parts_sum_to_the_amount_and_none_is_off_by_a_unit(of: list[dict[str, Any]], amount: int) -> None:
    parts = funders.split(of, amount)

    assert sum(parts.values()) == amount
    for each in of:
        exact = each["bps"] * amount
        assert abs(parts[each["funder"]] * 10_000 - exact) < 10_000


def test_brand_alone_bears_all() -> None:
    assert funders.split([], 7) == {"brand": 7}


def test_budget_comes_from_its_funders_and_the_rest_goes_back_to_them(world: World) -> None:
    campaign = world.campaign(funders=THIRDS, budget_minor=1_001)
    assert world.budget(campaign) == 1_001
    assert world.balance("brand", "marketing") == -501
    assert sorted(world.balance(f"partner:{name}", "funding") for name in ("dairy", "tea")) == [-250, -250]

    redeem(world, world.voucher(campaign, None).code)
    release_is_refused(world, campaign)
    with transaction() as session:
        campaigns.end_(session, campaign_id=campaign, actor="staff:test", now=NOW)
    for _ in range(2):
        with transaction() as session:
            campaigns.release(session, campaign_id=campaign, key="a", actor="staff:test", now=NOW)

    assert world.budget(campaign) == 0
    assert (
        world.balance("brand", "marketing")
        + sum(world.balance(f"partner:{name}", "funding") for name in ("dairy", "tea"))
        == -500
    )
    assert world.balance("brand", "marketing") in (-250, -251)
    assert [event["amount_minor"] for event in world.events("campaign.released")] == [501]
    assert world.rows("SELECT count(*) FROM core.audit_entry WHERE action = 'campaign.release'") == [(1,)]


def test_merchant_pays_its_part(world: World) -> None:
    with transaction() as session:
        merchant = f"merchant:{merchants.add_merchant(session, name='Corner Shop', now=NOW).id}"
    campaign = world.campaign(
        funders=[{"funder": merchant, "bps": 4_000}, {"funder": "brand", "bps": 6_000}], budget_minor=1_000
    )
    with transaction() as session:
        campaigns.fund(session, campaign_id=campaign, amount_minor=99, key="a", actor="staff:test", now=NOW)
    assert world.balance(merchant, "funding") == -400 - 40  # 39.6 of 99 is nearer to 40
    assert world.balance("brand", "marketing") == -600 - 59


def release_is_refused(world: World, campaign: Any) -> None:
    with pytest.raises(CampaignStatusRefused), transaction() as session:
        campaigns.release(session, campaign_id=campaign, key="a", actor="staff:test", now=NOW)


@pytest.mark.parametrize(
    ("given_", "pointer"),
    [
        ([{"funder": "brand", "bps": 9_999}], "/funders"),
        ([{"funder": "brand", "bps": 5_000}, {"funder": "brand", "bps": 5_000}], "/funders"),
        ([{"funder": "brand", "bps": 0}, {"funder": "partner:tea", "bps": 10_000}], "/funders/0/bps"),
        ([{"funder": "Tea Ltd", "bps": 10_000}], "/funders/0/funder"),
        ([{"funder": f"merchant:{ids.new()}", "bps": 10_000}], "/funders/0/funder"),
        ([{"bps": 10_000}], "/funders/0/funder"),
        ([7], "/funders/0"),
    ],
)
def test_funders_that_do_not_come_to_a_whole_are_refused(world: World, given_: list[Any], pointer: str) -> None:
    with pytest.raises(Refusal) as refusal:
        world.campaign(funders=given_)
    assert (refusal.value.code, refusal.value.facts["errors"][0]["pointer"]) == ("funders_invalid", pointer)
    assert world.rows("SELECT count(*) FROM rewards.campaign") == [(0,)]


def test_budget_that_one_unit_is_left_of_goes_back_to_one_funder(world: World) -> None:
    campaign = world.campaign(funders=THIRDS, budget_minor=501)
    redeem(world, world.voucher(campaign, None).code)
    with transaction() as session:
        campaigns.end_(session, campaign_id=campaign, actor="staff:test", now=NOW)
        campaigns.release(session, campaign_id=campaign, key="a", actor="staff:test", now=NOW)
    assert (world.budget(campaign), world.payable, line().amount_minor) == (0, 500, 2_000)
