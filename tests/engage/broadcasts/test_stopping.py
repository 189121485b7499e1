"""A campaign that gives no vouchers just now stops its broadcast, and uses up nobody's turn."""

from collections import Counter
from datetime import timedelta

import pytest

from core.db import connection_of, transaction
from engage.broadcasts import stopping, work
from engage.broadcasts.errors import BroadcastInvalid, BroadcastStarted, BroadcastWithoutCampaign
from engage.broadcasts.models import CANCELLED, DONE, PREPARING, STOPPED
from rewards.campaigns import states
from rewards.errors import BudgetExhausted
from tests.engage.broadcasts.audience import SAYS_CODE, Sending, draft
from tests.engage.conftest import Scene


def with_campaign(scene: Scene, count: int, *, budget_minor: int = 1_000_000) -> Sending:
    campaign_id = scene.gift_card(budget_minor=budget_minor)
    return draft(scene, scene.customers(count), campaign_id=campaign_id, template=SAYS_CODE)


def set_campaign(sending: Sending, state: str) -> None:
    campaign_id = sending.now_is().campaign_id
    assert campaign_id is not None
    with transaction() as session:
        states.set_state(session, campaign_id=campaign_id, state=state, actor="staff:test", now=sending.scene.now)


def names() -> list[str]:
    query = "SELECT name FROM core.event WHERE name LIKE 'broadcast.%' ORDER BY seq"
    with transaction() as session:
        return [row[0] for row in connection_of(session).execute(query)]


def test_broadcast_whose_campaign_is_not_running_is_not_started(scene: Scene) -> None:
    sending = with_campaign(scene, 2)
    set_campaign(sending, "paused")

    with pytest.raises(BroadcastWithoutCampaign) as refused:
        sending.start()

    assert refused.value.facts == {"campaign_status": "paused"}
    assert (sending.now_is().status, sending.work(), sending.sends()) == ("draft", 0, {})
    set_campaign(sending, "running")
    sending.start()
    sending.work()
    assert Counter(sending.outcomes().values()) == {"sent": 2}


def test_broadcast_that_begins_after_its_campaign_ends_is_not_started(scene: Scene) -> None:
    campaign_id = scene.gift_card(budget_minor=10_000)
    begins = scene.now + timedelta(days=365)
    sending = draft(scene, scene.customers(1), campaign_id=campaign_id, template=SAYS_CODE, starts_at=begins)

    with pytest.raises(BroadcastWithoutCampaign):
        sending.start()


@pytest.mark.parametrize(("budget_minor", "starts"), [(999, False), (1_000, True)])
def test_budget_must_hold_one_card_at_least(scene: Scene, budget_minor: int, starts: bool) -> None:
    sending = with_campaign(scene, 2, budget_minor=budget_minor)
    if starts:
        assert sending.start().status == PREPARING
    else:
        with pytest.raises(BudgetExhausted):
            sending.start()


def test_campaign_that_is_paused_meanwhile_stops_it_and_nobody_loses_their_turn(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_chunk", 1)
    monkeypatch.setattr(work, "next_chunk", lambda chunk, *, seconds: chunk)
    sending = with_campaign(scene, 6)
    sending.start()
    while not sending.sends():
        work.work_off(scene.now)
    set_campaign(sending, "paused")

    sending.work()

    stopped = sending.now_is()
    assert (stopped.status, stopped.stopped_because, stopped.ended_at) == (STOPPED, "campaign_not_running", None)
    assert set(sending.outcomes().values()) == {"sent"}
    assert len(sending.sends()) < 6
    with pytest.raises(BroadcastWithoutCampaign):
        sending.start()

    set_campaign(sending, "running")
    assert sending.work() == 0
    assert sending.start().status == PREPARING
    sending.work()

    assert Counter(sending.outcomes().values()) == {"sent": 6}
    assert sending.now_is().status == DONE
    assert names() == ["broadcast.started", "broadcast.stopped", "broadcast.resumed", "broadcast.done"]
    with pytest.raises(BroadcastStarted):
        sending.start()


def test_stopped_twice_is_stopped_once_and_one_that_is_over_stays_over(scene: Scene) -> None:
    sending = with_campaign(scene, 2)
    sending.start()
    for _ in range(2):
        with transaction() as session:
            stopping.stop(session, sending.id, reason="campaign_not_running", now=scene.now)
    assert names() == ["broadcast.started", "broadcast.stopped"]

    assert sending.cancel().status == CANCELLED
    sending.work()

    with transaction() as session:
        stopping.stop(session, sending.id, reason="campaign_not_running", now=scene.now)
    assert (sending.now_is().status, sending.sends()) == (CANCELLED, {})
    with pytest.raises(BroadcastStarted):
        sending.start()


def test_text_may_be_one_for_all_as_in_a_journeys_step(scene: Scene) -> None:
    sending = draft(scene, scene.customers(1), template={"title": "For you", "body": "Hello"}, channels=["push", "sms"])

    sending.run()

    assert set(sending.outcomes().values()) == {"sent"}


def test_text_for_all_needs_a_title_for_a_push(scene: Scene) -> None:
    with pytest.raises(BroadcastInvalid) as refused:
        draft(scene, scene.customers(1), template={"body": "Hello"}, channels=["push"])

    assert [error["pointer"] for error in refused.value.facts["errors"]] == ["/template/title"]
