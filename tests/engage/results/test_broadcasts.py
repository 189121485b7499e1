"""Broadcasts: their customers become outcomes once all letters are written."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from core import ids
from core.db import transaction
from core.events import readers
from core.web.principals import Principal
from engage.broadcasts.events import BroadcastCancelled, BroadcastDone
from engage.broadcasts.models import Broadcast, BroadcastSend
from engage.results import broadcasts, plans, reading, taking_over
from engage.results.models import BroadcastCount, Outcome
from engage.results.taking_over import hold_still
from rewards import vouchers
from rewards.vouchers import Issue
from tests.core.log import wait_for_the_horizon
from tests.engage.conftest import Open, Scene
from tests.engage.results.counted import READER, count, outcomes, tallied

HOLD = timedelta(minutes=10)


def _broadcast(scene: Scene, arms: dict[UUID, str], *, campaign_id: UUID | None = None) -> UUID:
    """A broadcast that is over, with a letter (and voucher) for each of those treated."""
    broadcast_id = ids.new()
    with transaction() as session:
        session.add(
            Broadcast(
                id=broadcast_id, name="Spring", segment_id=ids.new(), wording={}, purpose="marketing", channels=["sms"],
                quiet="hold", holdout_bps=1_000, status="done", created_by="staff:test", created_at=scene.now,
                started_at=scene.now,
            )
        )  # fmt: skip
        session.flush()
        for customer_id, arm in arms.items():
            voucher_id = None
            if campaign_id is not None and arm == "treated":
                source = f"broadcast:{broadcast_id}:{customer_id}"
                issue = Issue(campaign_id=campaign_id, customer_id=customer_id, source=source)
                [voucher] = vouchers.issue_each(session, [issue], now=scene.now)
                assert isinstance(voucher, vouchers.Voucher)
                voucher_id = voucher.id
            session.add(
                BroadcastSend(
                    id=ids.new(), broadcast_id=broadcast_id, customer_id=customer_id, arm=arm,
                    outcome="sent" if arm == "treated" else "held_out", reasons=[], voucher_id=voucher_id,
                    message_ids=[], at=scene.now,
                )
            )  # fmt: skip
    return broadcast_id


def _over(scene: Scene, broadcast_id: UUID) -> None:
    done = BroadcastDone(occurred_at=scene.now, broadcast_id=broadcast_id, segment_id=ids.new(), counts={})
    scene.happen(done)
    count(scene)
    scene.move(seconds=HOLD.total_seconds())


def _enter_all(now: datetime) -> int:
    entered = 0
    while taken := broadcasts.enter_due(reading.READER, now):
        entered += taken
    return entered


def test_all_arms_are_entered_with_what_they_did_since(scene: Scene) -> None:
    treated, held, control = scene.customers(3)
    broadcast_id = _broadcast(scene, {treated: "treated", held: "holdout", control: "control"})
    scene.happen(scene.order(treated, total_minor=1_000), scene.order(held, total_minor=300))
    _over(scene, broadcast_id)

    _enter_all(scene.now)
    scene.happen(scene.order(held, total_minor=40))
    count(scene)

    found = outcomes(broadcast_id)
    assert {row.arm: row.revenue_minor for row in found.values()} == {"treated": 1_000, "holdout": 340, "control": 0}
    assert tallied("broadcast", broadcast_id, "arm")["entered", "holdout"] == (1, 0)
    assert tallied("broadcast", broadcast_id, "arm")["step:sent", "treated"] == (1, 0)


def test_what_goes_to_the_inbox_alone_is_counted_beside_what_is_sent(scene: Scene) -> None:
    campaign_id = scene.coupon()
    by_push, by_inbox = scene.customers(2)
    broadcast_id = _broadcast(scene, {by_push: "treated", by_inbox: "treated"}, campaign_id=campaign_id)
    with transaction() as session:
        session.execute(update(Broadcast).values(campaign_id=campaign_id))
        for customer_id, channel in ((by_push, "push"), (by_inbox, "inbox")):
            which = (BroadcastSend.broadcast_id == broadcast_id, BroadcastSend.customer_id == customer_id)
            session.execute(update(BroadcastSend).where(*which).values(channel=channel))
    _over(scene, broadcast_id)

    _enter_all(scene.now)

    assert tallied("broadcast", broadcast_id, "arm")["inbox", "treated"] == (1, 0)
    assert tallied("campaign", campaign_id)["inbox"] == (1, 0)


def test_nothing_is_lost_or_doubled_where_the_reader_is_behind(scene: Scene) -> None:
    """An order that is in the log and not yet read is counted by the reader alone."""
    [customer_id] = scene.customers(1)
    broadcast_id = _broadcast(scene, {customer_id: "treated"})
    _over(scene, broadcast_id)
    scene.happen(scene.order(customer_id, total_minor=1_000))

    _enter_all(scene.now)
    before = outcomes(broadcast_id)[customer_id].revenue_minor
    count(scene)

    assert (before, outcomes(broadcast_id)[customer_id].revenue_minor) == (0, 1_000)


def test_what_its_vouchers_took_off_counts_before_and_after(scene: Scene) -> None:
    [customer_id] = scene.customers(1)
    broadcast_id = _broadcast(scene, {customer_id: "treated"}, campaign_id=scene.coupon())
    with transaction() as session:
        voucher_id = session.scalars(select(BroadcastSend.voucher_id)).one()
    assert voucher_id is not None
    scene.happen(scene.redemption(customer_id, voucher_id))
    _over(scene, broadcast_id)
    _enter_all(scene.now)
    scene.happen(scene.redemption(customer_id, voucher_id))
    count(scene)

    assert outcomes(broadcast_id)[customer_id].redeemed_minor == 1_000
    assert tallied("broadcast", broadcast_id)["redeemed"] == (2, 1_000)
    assert tallied("broadcast", broadcast_id)["issued"] == (1, 0)


@pytest.mark.parametrize("members", [0, 1, 4, 5, 9])
def test_many_are_entered_a_few_at_a_time(scene: Scene, members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_over, "AT_ONCE", 4)
    broadcast_id = _broadcast(scene, dict.fromkeys(scene.customers(members), "treated"))
    _over(scene, broadcast_id)

    _enter_all(scene.now)
    _enter_all(scene.now)

    with transaction() as session:
        entered = session.scalar(select(func.count()).select_from(Outcome).where(Outcome.scope_id == broadcast_id))
        assert session.scalars(select(BroadcastCount.state)).one() == "done"
    assert entered == members
    assert tallied("broadcast", broadcast_id).get("entered", (0, 0)) == (members, 0)


def test_those_of_a_cancelled_broadcast_are_entered_and_a_second_word_changes_nothing(scene: Scene) -> None:
    [customer_id] = scene.customers(1)
    broadcast_id = _broadcast(scene, {customer_id: "treated"})
    told = {"occurred_at": scene.now, "broadcast_id": broadcast_id, "segment_id": ids.new()}
    scene.happen(BroadcastCancelled(**told))  # type: ignore[arg-type]
    _over(scene, broadcast_id)

    _enter_all(scene.now)

    assert set(outcomes(broadcast_id)) == {customer_id}


def test_nobody_is_entered_while_letters_may_still_be_written(scene: Scene) -> None:
    broadcast_id = _broadcast(scene, dict.fromkeys(scene.customers(1), "treated"))
    scene.happen(BroadcastDone(occurred_at=scene.now, broadcast_id=broadcast_id, segment_id=ids.new(), counts={}))
    count(scene)

    assert _enter_all(scene.now + HOLD - timedelta(seconds=1)) == 0
    assert _enter_all(scene.now + HOLD) == 1


def test_the_reader_stands_still_while_some_are_entered(scene: Scene) -> None:
    readers.register([READER])
    with transaction() as session:
        hold_still(session, reading.READER)
        scene.happen(scene.order(scene.customer()))

        assert readers.run_batch(READER, now=scene.now) == 0
    wait_for_the_horizon()
    assert readers.run_batch(READER, now=scene.now) > 0


def test_a_broadcast_is_planned_by_how_many_it_goes_to(scene: Scene) -> None:
    """Not by all who buy: the smallest effect that is told would be one of a far larger broadcast."""
    known, unknown = _broadcast(scene, {}), _broadcast(scene, {})
    with transaction() as session:
        session.get_one(Broadcast, known).expected = 4_321

    plans.fix_due(scene.now)

    with transaction() as session:
        planned = [plans.of(session, "broadcast", each) for each in (known, unknown)]
    assert [plan and plan.customers for plan in planned] == [4_321, 1_000]


def test_staff_read_what_a_broadcast_brought_and_caused(scene: Scene, open_for: Open) -> None:
    treated, held = scene.customers(2)
    broadcast_id = _broadcast(scene, {treated: "treated", held: "holdout"})
    _over(scene, broadcast_id)
    _enter_all(scene.now)
    plans.fix_due(scene.now)
    staff = open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"broadcasts.read"})))

    results = staff.get(f"/admin/v1/broadcasts/{broadcast_id}/results").get_json()
    effects = staff.get(f"/admin/v1/broadcasts/{broadcast_id}/effects").get_json()
    table = staff.get(f"/admin/v1/broadcasts/{broadcast_id}/results.csv").get_data(as_text=True)

    assert {arm["arm"]: arm["entered"] for arm in results["arms"]} == {"treated": 1, "holdout": 1}
    assert effects["plan"]["outcome_days"] == 30 and effects["plan"]["held_out_bps"] == 1_000
    assert {arm["arm"]: arm["entered"] for arm in effects["arms"]} == {"treated": 1, "holdout": 1}
    assert effects["revenue"]["verdict"] == "too_few"
    assert "2026-11-21,,,holdout,,,entered,1,,0" in table.splitlines()
