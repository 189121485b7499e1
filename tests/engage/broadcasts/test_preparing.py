"""Preparing a broadcast: each member is dealt with once, with the voucher and the message or neither."""

import itertools
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from auth.models import Customer
from core import crypto
from core.db import connection_of, transaction
from core.delivery.models import Message
from core.errors import Busy
from core.events.log import SLOTS
from engage import consents
from engage.broadcasts import pacing, preparing, work
from engage.broadcasts.errors import BroadcastStarted
from engage.broadcasts.models import PARTS, Broadcast, BroadcastPart
from engage.consents import Said
from engage.contacting import policy
from rewards.models import VoucherRow
from tests.engage.broadcasts.audience import SAYS, SAYS_CODE, Sending, add, draft, segment
from tests.engage.conftest import START, Scene, sent, vouchers_of


def test_parts_are_the_slots_of_the_log() -> None:
    assert PARTS == SLOTS


def test_every_member_is_written_to_once(scene: Scene) -> None:
    members = scene.customers(150)
    sending = draft(scene, members).run()

    assert sending.outcomes() == dict.fromkeys(members, "sent")
    assert len(sent()) == 150
    assert sending.work() == 0
    done = sending.now_is()
    assert (done.status, sending.counts(), done.expected) == ("done", {"sent": 150}, 150)


def test_nobody_outside_the_segment_is_written_to(scene: Scene) -> None:
    inside, outside = scene.customers(2)
    draft(scene, [inside]).run()

    assert outside not in draft(scene, [inside]).run().outcomes()
    assert len(sent()) == 2
    assert outside not in [row.customer_id for row in _messages()]


def test_messages_know_what_sent_them_and_voucher_and_message_come_together(scene: Scene) -> None:
    members = scene.customers(3)
    sending = draft(scene, members, campaign_id=scene.gift_card(budget_minor=10_000), template=SAYS_CODE).run()

    for customer_id, send in sending.sends().items():
        (voucher_id,) = vouchers_of(customer_id)
        assert send.voucher_id == voucher_id
        (message,) = [row for row in _messages() if row.customer_id == customer_id]
        assert (message.reference, [message.id]) == (send.id, send.message_ids)
    assert all("Your code: " in content["body"] for _, _, content in sent())


def test_those_held_out_get_nothing_and_are_kept_to_compare_with(scene: Scene) -> None:
    members = scene.customers(200)
    sending = draft(scene, members, campaign_id=scene.coupon(), template=SAYS_CODE, holdout_bps=5_000).run()

    arms = Counter(send.arm for send in sending.sends().values())
    assert 60 < arms["holdout"] < 140
    assert len(sent()) == _voucher_count() == arms["treated"]
    assert all((row.outcome == "held_out") == (row.arm == "holdout") for row in sending.sends().values())
    assert sending.counts() == {"held_out:holdout": arms["holdout"], "sent": arms["treated"]}


def test_control_group_gets_no_marketing_but_what_must_be_told(scene: Scene) -> None:
    with transaction() as session:
        policy.put(session, {"control_bps": 5_000}, revision=0, actor="staff:test", now=scene.now)
    members = scene.customers(100)

    marketing = draft(scene, members).run()
    needed = draft(scene, members, purpose="transactional").run()

    arms = Counter(send.arm for send in marketing.sends().values())
    assert 25 < arms["control"] < 75
    assert Counter(marketing.outcomes().values()) == {"held_out": arms["control"], "sent": arms["treated"]}
    assert set(needed.outcomes().values()) == {"sent"}


def test_who_allows_nothing_is_skipped_and_says_why(scene: Scene) -> None:
    (silent,) = scene.customers(1, consent=())
    sending = draft(scene, [silent]).run()

    assert sending.outcomes() == {silent: "skipped"}
    assert sending.reason_of(silent) == "no_consent"
    assert sending.counts() == {"skipped:no_consent": 1}


def test_suspended_and_erased_members_get_neither_voucher_nor_message(scene: Scene) -> None:
    suspended, erased, usual = scene.customers(3)
    with transaction() as session:
        session.execute(update(Customer).where(Customer.id == suspended).values(status="suspended"))
        crypto.destroy_data_key(session, erased)
    sending = draft(scene, [suspended, erased, usual], campaign_id=scene.coupon(), template=SAYS_CODE).run()

    assert sending.outcomes() == {suspended: "skipped", erased: "skipped", usual: "sent"}
    assert (vouchers_of(suspended), vouchers_of(erased)) == ([], [])


def test_cap_holds_over_broadcasts(scene: Scene) -> None:
    with transaction() as session:
        cap = {"channel": "any", "per": "day", "most": 1}
        policy.put(session, {"caps": [cap]}, revision=0, actor="staff:test", now=scene.now)
    (member,) = scene.customers(1)

    assert draft(scene, [member]).run().outcomes() == {member: "sent"}
    again = draft(scene, [member]).run()

    assert (again.outcomes(), again.reason_of(member)) == ({member: "skipped"}, "capped")


def test_two_workers_share_a_broadcast_and_deal_with_each_member_once(scene: Scene) -> None:
    members = scene.customers(120)
    sending = draft(scene, members, campaign_id=scene.gift_card(budget_minor=1_000_000), template=SAYS_CODE)
    sending.start()
    failed: list[BaseException] = []

    def prepare() -> None:
        try:
            sending.work()
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=prepare) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sending.work()

    assert failed == []
    assert sending.outcomes() == dict.fromkeys(members, "sent")
    assert len(sent()) == _voucher_count() == 120
    assert sending.now_is().status == "done"


def test_chunk_that_fails_in_the_middle_leaves_nothing_and_is_done_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = scene.customers(5)
    sending = draft(scene, members, campaign_id=scene.gift_card(budget_minor=10_000), template=SAYS_CODE)
    sending.start()
    keep = preparing._keep

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(preparing, "_keep", dies)
    with pytest.raises(SystemExit):
        sending.work()
    monkeypatch.setattr(preparing, "_keep", keep)
    sending.work()

    assert sending.outcomes() == dict.fromkeys(members, "sent")
    assert len(sent()) == _voucher_count() == 5


def test_one_members_trouble_is_only_their_own(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    members = scene.customers(40)
    troubled, decide = members[7], preparing.outgoing.decide

    def trips(world: object, letter: preparing.Letter) -> object:
        if letter.customer_id == troubled:
            raise ZeroDivisionError
        return decide(world, letter)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing.outgoing, "decide", trips)
    sending = draft(scene, members).run()

    expected = dict.fromkeys(members, "sent") | {troubled: "skipped"}
    assert sending.outcomes() == expected
    assert sending.sends()[troubled].reasons[0]["error"] == "ZeroDivisionError"
    assert sending.now_is().status == "done"


def test_trouble_that_is_everybodys_is_waited_out_and_leaves_nobody_without(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    members, decide = scene.customers(60), preparing.outgoing.decide

    def trips(world: object, letter: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(preparing.outgoing, "decide", trips)
    sending = draft(scene, members).run()
    troubled = sending.outcomes()
    assert (len(troubled), sending.now_is().status) == (5, "preparing")

    monkeypatch.setattr(preparing.outgoing, "decide", decide)
    scene.move(hours=1)
    sending.work()

    assert sending.outcomes() == dict.fromkeys(members, "sent") | troubled
    assert sending.now_is().status == "done"


def test_throttle_spaces_the_messages_and_never_bunches_them(scene: Scene) -> None:
    draft(scene, scene.customers(100), per_minute=10).run()

    due = sorted(row.due_at for row in _messages() if row.due_at)
    assert len(due) == 100
    # In any minute at most ten, and two parts never at one moment.
    for begin in due:
        assert sum(begin <= one < begin + timedelta(minutes=1) for one in due) <= 10
    assert len(set(due)) == 100


@pytest.mark.parametrize(
    ("number", "place"),
    [(0, 40), (9, 49), (10, 100 + 7), (11, 100 + PARTS + 7)],
)
def test_each_member_has_a_place_of_their_own_and_newcomers_come_last(number: int, place: int) -> None:
    broadcast = Broadcast(per_minute=60, started_at=START, expected=100)
    part = BroadcastPart(slot=7, first_place=40, places=10)

    assert pacing.place_of(broadcast, part, number) == place
    due_at = pacing.due_at_of(broadcast, part, number, None, now=START)
    assert due_at == START + timedelta(seconds=place)


def test_throttled_broadcast_takes_as_long_as_its_rate_says(scene: Scene) -> None:
    draft(scene, scene.customers(30), per_minute=10).run()

    due = sorted(row.due_at for row in _messages() if row.due_at)
    assert due == [scene.now + timedelta(seconds=6 * place) for place in range(30)]


def test_those_held_out_leave_their_places_empty(scene: Scene) -> None:
    draft(scene, scene.customers(60), per_minute=10, holdout_bps=5_000).run()

    due = sorted(row.due_at for row in _messages() if row.due_at)
    assert len(set(due)) == len(due) < 60
    assert all(later - earlier >= timedelta(seconds=6) for earlier, later in itertools.pairwise(due))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 11, 22, 8, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 21, 14, 0, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 11, 22, 0, 0, tzinfo=UTC)),
        (None, datetime(2026, 11, 21, 14, 0, tzinfo=UTC)),
    ],
)
def test_hour_of_the_day_is_the_customers_own(zone: str | None, expected: datetime) -> None:
    broadcast = Broadcast(local_time="09:00", started_at=START)

    part = BroadcastPart(slot=5, first_place=0, places=10)
    assert pacing.due_at_of(broadcast, part, 3, zone, now=START) == expected


def test_scheduled_broadcast_begins_at_its_time(scene: Scene) -> None:
    (member,) = scene.customers(1)
    sending = draft(scene, [member], starts_at=scene.now + timedelta(hours=2))

    assert sending.start().status == "scheduled"
    assert sending.work() == 0
    scene.move(hours=2)
    sending.work()

    assert sending.outcomes() == {member: "sent"}
    assert sending.now_is().status == "done"


def test_members_are_those_at_the_moment_of_preparing(scene: Scene) -> None:
    first, later = scene.customers(2)
    segment_id = segment([first], now=scene.now)
    sending = draft(scene, [], segment_id=segment_id, starts_at=scene.now + timedelta(hours=2))
    sending.start()

    add(segment_id, [later], now=scene.now)
    scene.move(hours=2)
    sending.work()

    assert set(sending.outcomes()) == {first, later}


def test_no_of_a_customer_between_preparing_and_sending_is_heard(scene: Scene) -> None:
    (member,) = scene.customers(1)
    draft(scene, [member], per_minute=1).run()

    with transaction() as session:
        consents.put_all(session, [Said(member, "sms", "marketing", False)], source="app", now=scene.now)

    assert [row.state for row in _messages()] == ["suppressed"]


def test_cancelled_broadcast_prepares_no_more_and_takes_back_what_waits(scene: Scene) -> None:
    with transaction() as session:
        cap = {"channel": "any", "per": "day", "most": 1}
        policy.put(session, {"caps": [cap]}, revision=0, actor="staff:test", now=scene.now)
    members = scene.customers(60)
    sending = draft(scene, members)
    sending.start()
    while not sending.outcomes():  # some slots have no member
        work.work_off(scene.now)
    assert len(sending.outcomes()) < 60

    sending.cancel()
    sending.work()

    assert set(sending.outcomes().values()) == {"cancelled"}
    assert {row.state for row in _messages()} == {"suppressed"}
    assert sending.now_is().status == "cancelled"
    # What was taken back counts under no cap.
    assert set(draft(scene, members).run().outcomes().values()) == {"sent"}


def test_broadcast_that_is_cancelled_while_workers_prepare_it_leaves_nothing_waiting(scene: Scene) -> None:
    members = scene.customers(120)
    sending = draft(scene, members)
    sending.start()
    begun = threading.Event()
    failed: list[BaseException] = []

    def prepare() -> None:
        try:
            while work.work_off(scene.now):
                begun.set()
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=prepare) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert begun.wait(30)
    try:
        sending.cancel()
    except Busy:  # a worker that ends the last part at this moment: the same request may be sent again
        sending.cancel()
    for worker in workers:
        worker.join()
    sending.work()

    assert [error for error in failed if not isinstance(error, Busy)] == []
    assert sending.now_is().status == "cancelled"
    assert {row.state for row in _messages()} <= {"suppressed"}
    assert set(sending.outcomes().values()) <= {"cancelled"}


def test_two_who_start_it_at_once_start_it_once(scene: Scene) -> None:
    sending = draft(scene, scene.customers(3))
    begin, outcomes = threading.Barrier(2), []

    def start() -> None:
        begin.wait()
        try:
            sending.start()
            outcomes.append("started")
        except BroadcastStarted:
            outcomes.append("refused")

    both = [threading.Thread(target=start) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    sending.work()

    assert sorted(outcomes) == ["refused", "started"]
    assert len(sent()) == 3


def test_what_has_left_stays_sent_when_the_rest_is_taken_back(scene: Scene) -> None:
    members = scene.customers(2)
    sending = draft(scene, members).run()
    with transaction() as session:
        gone = update(Message).where(Message.customer_id == members[0]).values(state="sent", sent_at=scene.now)
        session.execute(gone)

    sending.cancel()
    sending.work()

    assert sending.outcomes() == {members[0]: "sent", members[1]: "cancelled"}


def test_transaction_that_is_long_makes_the_next_chunk_shorter() -> None:
    assert work.next_chunk(100, seconds=0.2) == 66
    assert work.next_chunk(60, seconds=5.0) == work.FEWEST_AT_ONCE
    assert work.next_chunk(100, seconds=0.04) == 125
    assert work.next_chunk(200, seconds=0.01) == 200
    assert work.next_chunk(100, seconds=0.07) == 100


def test_template_is_sent_as_it_was_when_the_broadcast_was_started(scene: Scene) -> None:
    from engage.templates import saved

    with transaction() as session:
        made = saved.create(
            session, key="hello", name="Hello", purpose="marketing", raw=SAYS, actor="staff:test", now=scene.now
        )
    (member,) = scene.customers(1)
    sending = draft(scene, [member], template=None, template_id=made.id)
    sending.start()
    with transaction() as session:
        changed = {**SAYS, "sms": {"en": {"body": "Something else"}}}
        saved.add_version(session, template_id=made.id, raw=changed, actor="staff:test", now=scene.now)

    sending.work()

    assert [content["body"] for _, _, content in sent()] == ["Hello"]


def test_idle_look_reads_an_index(scene: Scene) -> None:
    sending: Sending = draft(scene, scene.customers(1)).run()
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT * FROM engage.broadcast_part WHERE state = ANY('{waiting,taking_back}'::text[])"
            " AND due_at <= now() ORDER BY due_at LIMIT 1"
        ).fetchall()
        parts = session.scalars(select(BroadcastPart).where(BroadcastPart.broadcast_id == sending.id)).all()

    assert any("ix_broadcast_part_due" in line for (line,) in plan), plan
    assert {part.state for part in parts} == {"done"}


def _messages() -> list[Message]:
    with transaction() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def _voucher_count() -> int:
    with transaction() as session:
        return len(session.scalars(select(VoucherRow.id)).all())
