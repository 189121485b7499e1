"""Publishing a campaign to an audience: each customer gets one voucher, however often it is tried."""

from datetime import timedelta
from uuid import UUID

import pytest

from auth import customers
from core import ids
from core.db import transaction
from core.errors import InvalidInput
from rewards import campaigns
from rewards.errors import CampaignNotRunning
from rewards.vouchers import batches, mailings, work
from rewards.vouchers.models import CodeBatch
from tests.rewards.conftest import NOW, World


def sign_up(count: int) -> list[UUID]:
    with transaction() as session:
        return [
            customers.sign_up(session, phone=f"+1202555{number:04}", locale=None, time_zone=None, now=NOW).id
            for number in range(count)
        ]


def ask(campaign_id: UUID, customer_ids: list[UUID] | None) -> UUID:
    with transaction() as session:
        return batches.ask_for_mailing(
            session,
            campaign_id=campaign_id,
            customer_ids=customer_ids,
            source=f"test:{ids.new()}",
            actor="staff:test",
            now=NOW,
        ).id


def shown(batch_id: UUID) -> CodeBatch:
    with transaction() as session:
        return batches.find(session, batch_id)


def test_each_customer_of_the_audience_gets_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailings, "_AT_ONCE", 2)
    people = sign_up(5)
    campaign = world.campaign(audience=people)
    batch_id = ask(campaign, None)

    work.work_off(NOW)
    with pytest.raises(RuntimeError), transaction() as session:
        mailings.publish_some(session, session.get_one(CodeBatch, batch_id), now=NOW)
        raise RuntimeError("the worker dies before it commits")
    while work.work_off(NOW):
        pass

    batch = shown(batch_id)
    assert (batch.state, batch.asked, batch.made, batch.refused) == ("ended", 5, 5, 0)
    assert {row[0] for row in world.rows("SELECT customer_id FROM rewards.voucher")} == set(people)
    assert len(world.rows("SELECT FROM rewards.voucher")) == len(world.events("voucher.issued")) == 5


def test_those_who_get_none_are_counted_by_why(world: World) -> None:
    invited, other = sign_up(2)
    campaign = world.campaign(audience=[invited])
    batch_id = ask(campaign, [invited, other, ids.new()])

    work.work_off(NOW)

    batch = shown(batch_id)
    assert (batch.state, batch.made, batch.refused) == ("ended", 1, 2)
    assert batch.faults == [{"code": "customer_unknown", "count": 1}, {"code": "not_in_audience", "count": 1}]


def test_gift_cards_are_given_while_the_budget_lasts(world: World) -> None:
    campaign = world.gift_campaign(2_000, budget_minor=4_000)
    batch_id = ask(campaign, sign_up(3))

    work.work_off(NOW)

    assert (shown(batch_id).made, shown(batch_id).faults) == (2, [{"code": "budget_exhausted", "count": 1}])
    assert world.budget(campaign) == 0


def test_mailing_waits_until_its_campaign_runs_and_ends_with_it(world: World) -> None:
    [customer] = sign_up(1)
    campaign = world.campaign(starts_now=False)
    waiting = ask(campaign, [customer])

    while work.work_off(NOW):
        pass
    with transaction() as session:
        campaigns.start(session, campaign_id=campaign, actor="staff:test", now=NOW)
    assert (shown(waiting).state, shown(waiting).due_at) == ("waiting", NOW + timedelta(minutes=1))
    while work.work_off(NOW + timedelta(minutes=1)):
        pass

    assert (shown(waiting).state, shown(waiting).made) == ("ended", 1)


def test_mailing_of_a_campaign_that_is_over_gives_nothing(world: World) -> None:
    campaign = world.campaign(starts_now=False, ends_at=NOW + timedelta(minutes=1))
    batch_id = ask(campaign, sign_up(2))

    work.work_off(NOW + timedelta(minutes=1))

    batch = shown(batch_id)
    assert (batch.state, batch.made, batch.refused) == ("ended", 0, 2)
    assert batch.faults == [{"code": "campaign_not_running", "count": 2}]
    with pytest.raises(CampaignNotRunning):
        ask(world.campaign(ends_at=NOW), sign_up(0))


def test_mailing_names_its_customers(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(world.campaign(), None)

    assert refused.value.facts["errors"][0]["pointer"] == "/customer_ids"
