"""Campaigns that hold customers out: whom a publication reached becomes outcomes, in both arms."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core import ids
from core.db import transaction
from core.web.principals import Principal
from engage.results import campaigns, plans, reading, taking_over
from engage.results.models import CampaignCount, EffectPlan
from rewards.campaigns import holdouts
from rewards.models import Campaign
from rewards.terms import load_one
from rewards.vouchers import batches, work
from tests.engage.conftest import Open, Scene, vouchers_of
from tests.engage.results.counted import count, outcomes


def _campaign(scene: Scene, *, held_bps: int = 5_000) -> UUID:
    campaign_id = scene.coupon()
    _hold_out(campaign_id, held_bps)
    return campaign_id


def _hold_out(campaign_id: UUID, held_bps: int) -> None:
    with transaction() as session:
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(holdout_bps=held_bps))


def _published(scene: Scene, campaign_id: UUID, people: list[UUID]) -> UUID:
    with transaction() as session:
        batch_id = batches.ask_for_mailing(
            session, campaign_id=campaign_id, customer_ids=people, source=f"test:{ids.new()}", actor="staff:test",
            now=scene.now,
        ).id  # fmt: skip
    while work.work_off(scene.now):
        pass
    return batch_id


def _enter_all(now: datetime) -> int:
    entered = 0
    while taken := campaigns.enter_due(reading.READER, now):
        entered += taken
    return entered


def _held_of(campaign_id: UUID, people: list[UUID]) -> set[UUID]:
    with transaction() as session:
        terms = load_one(session, campaign_id)
        return {each for each in people if holdouts.is_held_out(terms, each)}


def test_who_was_reached_stands_in_the_arm_that_was_drawn(scene: Scene) -> None:
    campaign_id, people = _campaign(scene), scene.customers(12)
    held = _held_of(campaign_id, people)
    assert held and len(held) < 12
    _published(scene, campaign_id, people)
    count(scene)

    _enter_all(scene.now)

    found = outcomes(campaign_id)
    assert {each for each, row in found.items() if row.arm == "holdout"} == held
    assert {each for each, row in found.items() if row.arm == "treated"} == set(people) - held
    assert {row.entered_at for row in found.values()} == {scene.now}
    assert {row.ripe_at - row.entered_at for row in found.values()} == {timedelta(days=30)}


def test_orders_and_redemptions_before_and_after_the_taking_over_count_once(scene: Scene) -> None:
    campaign_id, people = _campaign(scene), scene.customers(12)
    held = _held_of(campaign_id, people)
    treated, other = next(each for each in people if each not in held), next(iter(held))
    _published(scene, campaign_id, people)
    scene.happen(scene.order(treated, total_minor=1_000), scene.order(other, total_minor=300))
    scene.happen(scene.redemption(treated, vouchers_of(treated)[0]))
    count(scene)
    unread = scene.order(treated, total_minor=50)
    scene.happen(unread)

    _enter_all(scene.now)
    before = outcomes(campaign_id)[treated]
    count(scene)
    after = outcomes(campaign_id)

    assert (before.revenue_minor, before.redeemed_minor) == (1_000, 500)
    assert (after[treated].revenue_minor, after[treated].redeemed_minor) == (1_050, 500)
    assert (after[other].revenue_minor, after[other].redeemed_minor) == (300, 0)


def test_a_redemption_after_the_taking_over_is_the_campaigns_cost(scene: Scene) -> None:
    campaign_id, people = _campaign(scene), scene.customers(12)
    treated = next(each for each in people if each not in _held_of(campaign_id, people))
    _published(scene, campaign_id, people)
    count(scene)
    _enter_all(scene.now)

    scene.happen(scene.redemption(treated, vouchers_of(treated)[0]))
    count(scene)

    assert outcomes(campaign_id)[treated].redeemed_minor == 500


def test_who_is_refused_for_another_reason_stays_in_the_arm(scene: Scene) -> None:
    """Were the refused left out of one arm, the arms would be of different people."""
    campaign_id, people = scene.gift_card(budget_minor=1_000), scene.customers(12)
    _hold_out(campaign_id, 5_000)
    _published(scene, campaign_id, people)
    count(scene)

    _enter_all(scene.now)

    given = [each for each in people if vouchers_of(each)]
    assert (len(given), set(outcomes(campaign_id))) == (1, set(people))


def test_who_was_not_reached_before_the_end_and_who_is_nobody_stay_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards.vouchers.mailings._AT_ONCE", 3)
    campaign_id, people = _campaign(scene), sorted([*scene.customers(5), ids.new()])
    with transaction() as session:
        batches.ask_for_mailing(
            session, campaign_id=campaign_id, customer_ids=people, source="test:ends", actor="staff:test",
            now=scene.now,
        )  # fmt: skip
    work.work_off(scene.now)
    with transaction() as session:
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(state="ended"))
    work.work_off(scene.now)
    count(scene)

    _enter_all(scene.now)

    assert set(outcomes(campaign_id)) == set(people[:3])


def test_a_second_publication_and_another_worker_enter_nobody_twice(scene: Scene) -> None:
    campaign_id, people = _campaign(scene), scene.customers(4)
    _published(scene, campaign_id, people)
    count(scene)
    _enter_all(scene.now)
    begun = {row.entered_at for row in outcomes(campaign_id).values()}
    scene.move(seconds=3_600)

    _published(scene, campaign_id, people)
    count(scene)
    _enter_all(scene.now)

    assert {row.entered_at for row in outcomes(campaign_id).values()} == begun
    assert campaigns.enter_due(reading.READER, scene.now) == 0


def test_a_large_audience_is_taken_over_in_pieces(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_over, "AT_ONCE", 3)
    campaign_id, people = _campaign(scene), scene.customers(7)
    _published(scene, campaign_id, people)
    count(scene)

    taken = [campaigns.enter_due(reading.READER, scene.now) for _ in range(4)]

    assert (taken, set(outcomes(campaign_id))) == ([3, 3, 1, 0], set(people))


def test_a_campaign_that_holds_nobody_out_enters_nobody(scene: Scene) -> None:
    campaign_id, people = _campaign(scene, held_bps=0), scene.customers(3)
    _published(scene, campaign_id, people)
    count(scene)

    _enter_all(scene.now)
    plans.fix_due(scene.now)

    with transaction() as session:
        assert session.scalars(select(CampaignCount.state)).all() == ["done"]
        assert session.get(EffectPlan, ("campaign", campaign_id)) is None
    assert outcomes(campaign_id) == {}


def test_plans_that_take_long_are_fixed_one_a_minute(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_LONGEST_SECONDS", 0.0)
    for _ in range(2):
        _published(scene, _campaign(scene), scene.customers(1))

    fixed = []
    for _ in range(3):
        plans.fix_due(scene.now)
        with transaction() as session:
            fixed.append(len(session.scalars(select(EffectPlan.scope_id)).all()))

    assert fixed == [1, 2, 2]


def test_the_effect_is_told_over_the_staff_door(scene: Scene, open_for: Open) -> None:
    campaign_id, people = _campaign(scene), scene.customers(4)
    _published(scene, campaign_id, people)
    plans.fix_due(scene.now)
    count(scene)
    _enter_all(scene.now)
    staff = open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"campaigns.read"})))

    told = staff.get(f"/admin/v1/campaigns/{campaign_id}/effects").get_json()

    held = len(_held_of(campaign_id, people))
    assert told["plan"]["held_out_bps"] == 5_000 and told["plan"]["customers"] == 4
    assert {arm["arm"]: arm["entered"] for arm in told["arms"]} == {
        name: number for name, number in (("holdout", held), ("treated", 4 - held)) if number
    }
    assert told["revenue"]["verdict"] == "too_few"
    assert staff.get(f"/admin/v1/campaigns/{ids.new()}/effects").status_code == 404
