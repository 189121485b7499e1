"""Versions, copies and the catalogue: what a campaign was, is, and is known as by every process."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import InvalidInput, NotFound
from rewards import campaigns, checkouts
from rewards.campaigns import catalogue, copies, versions
from rewards.campaigns.catalogue import Catalogue
from rewards.campaigns.errors import CampaignTermsFixed
from rewards.errors import CampaignStatusRefused
from rewards.offers import standing
from rewards.rules import saved
from rewards.rules.errors import RuleInvalid
from rewards.vouchers import batches, holdings
from tests.rewards.conftest import NOW, World

RULE = {"fact": "basket.total_minor", "is": "at_least", "value": 2_000}


def change(campaign_id: UUID, **changes: Any) -> None:
    with transaction() as session:
        versions.change(session, campaign_id=campaign_id, changes=changes, actor="staff:test", now=NOW)


def set_state(campaign_id: UUID, state: str) -> None:
    with transaction() as session:
        campaigns.set_state(session, campaign_id=campaign_id, state=state, actor="staff:test", now=NOW)


def known() -> Catalogue:
    with transaction() as session:
        return catalogue.current(connection_of(session))


def test_each_change_is_a_version_of_its_own(world: World) -> None:
    campaign = world.campaign(skus=["tea"])

    change(campaign, name="Six off", min_spend_minor=1_000)
    change(campaign, skus=["milk", "tea"], rule=RULE)
    change(campaign, name="Six off")
    change(campaign, rule=None)

    with transaction() as session:
        found = versions.page(session, campaign, before=None, limit=10)
        older = versions.page(session, campaign, before=3, limit=1)
    assert [each.revision for each in found] == [4, 3, 2, 1]
    assert [each.terms["name"] for each in found] == ["Six off"] * 3 + ["Five off"]
    assert [each.terms["skus"] for each in found] == [["milk", "tea"], ["milk", "tea"], ["tea"], ["tea"]]
    assert [each.revision for each in older] == [2]
    assert [event["revision"] for event in world.events("campaign.changed")] == [2, 3, 4]
    assert world.rows("SELECT 1 FROM rewards.campaign WHERE rule IS NULL") == [(1,)]
    assert world.rows("SELECT sku FROM rewards.campaign_sku ORDER BY sku") == [("milk",), ("tea",)]
    audited = world.rows("SELECT change FROM core.audit_entry WHERE action = 'campaign.change' ORDER BY id")
    assert audited[0][0] == {
        "revision": 2, "changed": {"name": ["Five off", "Six off"], "min_spend_minor": [0, 1_000]}
    }  # fmt: skip


def test_version_cannot_be_rewritten(world: World) -> None:
    world.campaign()
    with pytest.raises(psycopg.Error), transaction() as session:
        connection_of(session).execute("UPDATE rewards.campaign_version SET made_by = 'nobody'")


def test_discount_is_fixed_once_a_voucher_was_given(world: World) -> None:
    campaign, five, six = (
        world.campaign(),
        {"kind": "amount", "amount_minor": 500},
        {"kind": "amount", "amount_minor": 600},
    )
    change(campaign, discount=six)
    world.voucher(campaign, None)

    change(campaign, discount=six, ends_at=NOW + timedelta(days=60))
    for promised in ({"discount": five}, {"skus": ["tea"]}):
        with pytest.raises(CampaignTermsFixed):
            change(campaign, **promised)


def test_discount_is_fixed_once_codes_were_asked_for(world: World) -> None:
    campaign = world.campaign()
    with transaction() as session:
        batches.ask_for_codes(
            session, campaign_id=campaign, count=1, pattern=None, source="a", actor="staff:test", now=NOW
        )
    with pytest.raises(CampaignTermsFixed):
        change(campaign, discount={"kind": "amount", "amount_minor": 600})


def test_funders_are_fixed_once_they_have_paid(world: World) -> None:
    partner = [{"funder": "partner:tea", "bps": 10_000}]
    unpaid = world.campaign(budget_minor=0)
    change(unpaid, funders=partner)
    with pytest.raises(CampaignTermsFixed):
        change(world.campaign(), funders=partner)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"ends_at": NOW - timedelta(days=2)}, InvalidInput),
        ({"discount": {"kind": "free"}}, InvalidInput),
        ({"rule": {"fact": "basket.totl", "is": "at_least", "value": 1}}, RuleInvalid),
    ],
)
def test_change_that_makes_no_sense_leaves_no_trace(world: World, changes: dict[str, Any], kind: type) -> None:
    campaign = world.campaign()
    with pytest.raises(kind):
        change(campaign, **changes)
    assert world.rows("SELECT revision FROM rewards.campaign") == [(1,)]


def test_ended_and_unknown_campaigns_are_not_changed(world: World) -> None:
    campaign = world.campaign()
    set_state(campaign, "ended")
    with pytest.raises(CampaignStatusRefused):
        change(campaign, name="Late")
    with pytest.raises(NotFound):
        change(ids.new(), name="Late")


def test_copy_is_a_draft_of_the_same_terms_without_money(world: World) -> None:
    origin = world.campaign(skus=["tea"], rule=RULE, funders=[{"funder": "partner:tea", "bps": 10_000}], priority=3)
    with transaction() as session:
        made = copies.copy(
            session, campaign_id=origin, name="Again", starts_at=None, ends_at=NOW + timedelta(days=90),
            keeps_holdout=False, actor="staff:test", now=NOW,
        )  # fmt: skip
        mine, theirs = [versions.page(session, each, before=None, limit=1)[0].terms for each in (made, origin)]

    assert mine == {**theirs, "name": "Again", "ends_at": mine["ends_at"]} and mine["ends_at"] != theirs["ends_at"]
    assert world.budget(made) == 0
    row = world.rows("SELECT state, copied_from, revision, funded_minor FROM rewards.campaign WHERE id = %s", made)
    assert row == [("draft", origin, 1, 0)]


def test_coupon_that_was_used_up_is_good_again_once_its_campaign_allows_more_uses(world: World) -> None:
    campaign, customer = world.campaign(limit_per_customer=1), world.customer()
    coupon = world.voucher(campaign, customer)

    def shown() -> tuple[str, int, int]:
        with transaction() as session:
            held = holdings.find(session, customer, coupon.id, now=NOW)
            offered, _ = standing.of_customer(connection_of(session), customer, at=NOW)
        return held.state, held.uses_left, len(offered)

    with transaction() as session:
        checkouts.take(session, world.checkout(customer, vouchers=(coupon.id,)), now=NOW)
    assert shown() == ("used_up", 0, 0)

    change(campaign, limit_per_customer=2)

    assert shown() == ("active", 1, 1)
    with transaction() as session:
        assert checkouts.take(session, world.checkout(customer, vouchers="best"), now=NOW).discount_minor == 500
    assert shown() == ("used_up", 0, 0)


def test_catalogue_knows_what_runs_and_follows_each_change(world: World) -> None:
    draft, campaign = world.campaign(starts_now=False), world.campaign(skus=["tea"], rule=RULE)
    first = known()
    compiled = first.of(campaign)
    assert compiled is not None and compiled.skus == {"tea"} and compiled.rule is not None
    assert (first.of(draft), first.of(ids.new())) == (None, None)
    assert known() is first

    change(campaign, name="Other")
    set_state(draft, "running")
    second = known()
    put, dropped = second.changed_since(first.version)
    assert ({each.terms.campaign_id for each in put}, dropped) == ({draft, campaign}, [])
    assert {each.terms.campaign_id for each in second.running} == {draft, campaign}

    set_state(campaign, "ended")
    third = known()
    assert (third.of(campaign), third.changed_since(second.version)) == (None, ([], [campaign]))
    assert second.of(campaign) is not None, "a catalogue that somebody holds stays as it was"


def test_catalogue_sees_a_change_that_was_begun_first_and_committed_last(world: World) -> None:
    slow, quick = world.campaign(), world.campaign()
    known()
    begun, read = Event(), Event()

    def change_slowly() -> None:
        with transaction() as session:
            versions.change(session, campaign_id=slow, changes={"name": "Slow"}, actor="staff:test", now=NOW)
            begun.set()
            read.wait(10)

    with ThreadPoolExecutor(2) as pool:
        slowly = pool.submit(change_slowly)
        begun.wait(10)
        before = known()
        quickly = pool.submit(change, quick, name="Quick")  # waits for the catalogue's row
        read.set()
        slowly.result(10), quickly.result(10)

    put, _ = known().changed_since(before.version)
    assert {each.terms.campaign_id for each in put} == {slow, quick}
    revision = {each.terms.campaign_id: each.terms.revision for each in put}
    assert revision == {slow: 2, quick: 2}


def test_changed_saved_rule_is_a_version_of_each_campaign_that_uses_it(world: World) -> None:
    with transaction() as session:
        rule = saved.create(session, name="Big", condition=RULE, actor="staff:test", now=NOW).id
    campaign, other = world.campaign(rule={"rule": str(rule)}), world.campaign(rule=RULE)
    before = known()

    with transaction() as session:
        saved.change(session, rule_id=rule, name="Big", condition=RULE | {"value": 1}, actor="staff:test", now=NOW)

    put, _ = known().changed_since(before.version)
    assert [(each.terms.campaign_id, each.terms.revision) for each in put] == [(campaign, 2)]
    assert world.rows("SELECT revision FROM rewards.campaign WHERE id = %s", other) == [(1,)]


def test_code_without_a_limit_of_uses_is_kept_as_such(world: World) -> None:
    unlimited = world.campaign(uses_per_code=None)

    assert world.rows("SELECT uses_per_code FROM rewards.campaign WHERE id = %s", unlimited) == [(None,)]
