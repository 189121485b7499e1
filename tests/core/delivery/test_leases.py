"""Leases: who holds a message, and what becomes of it when its worker dies."""

import threading
from datetime import datetime, timedelta

from core import clock
from core.db import transaction
from core.delivery import sending, taking, work
from core.delivery.gates import open_gate
from core.delivery.held import Batch, Line, Ready
from core.gateways.outcomes import Outcome
from core.gateways.sms import Sms
from tests.core.delivery.outbox import Outbox, announced_names


def test_worker_that_died_before_its_call_has_its_message_sent_by_another(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    _take_and_die(outbox, now)
    assert outbox.send() == 0

    after = now + work.LEASE
    assert work.recover_lost(after) == 1
    outbox.send(after)

    message = outbox.message(message_id)
    assert (message.state, message.attempts) == ("sent", 1)


def test_worker_that_died_in_its_call_leaves_the_message_in_doubt(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    _mark_and_die(outbox, now)

    assert work.recover_lost(now + work.LEASE - timedelta(seconds=1)) == 0
    assert work.recover_lost(now + work.LEASE) == 1

    message = outbox.message(message_id)
    assert (message.state, message.last_error) == ("in_doubt", "lease_lost")
    assert outbox.send(now + timedelta(days=1)) == 0
    assert outbox.twilio.posts() == {}
    assert announced_names() == ["message.put_in_doubt"]


def test_worker_whose_lease_was_lost_makes_no_call(outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue(due_at=now)
    batch = _take_and_die(outbox, now)
    work.recover_lost(now + work.LEASE)

    assert _mark(batch, now) == []


def test_lease_that_has_just_ended_makes_no_call(outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue(due_at=now)
    batch = _take_and_die(outbox, now)

    assert _mark(batch, now + work.LEASE) == []
    assert len(_mark(batch, now + work.LEASE - timedelta(seconds=1))) == 1


def test_slow_answer_still_settles_a_message_that_was_put_in_doubt_meanwhile(outbox: Outbox) -> None:
    """The provider takes it, but the answer comes after another worker gave this one up."""
    message_id = outbox.enqueue()

    class Slow:
        name = "twilio"

        def send(self, sms: Sms) -> Outcome:
            work.recover_lost(clock.now() + work.LEASE + timedelta(seconds=1))
            return outbox.gateways.sms.send(sms)

    slow = type(outbox.gateways)(
        push=outbox.gateways.push,
        sms=Slow(),
        whatsapp=outbox.gateways.whatsapp,
        email=outbox.gateways.email,
        payments=outbox.gateways.payments,
        identity=outbox.gateways.identity,
    )
    work.send_due(slow, clock.now())

    assert outbox.message(message_id).state == "sent"
    assert announced_names() == ["message.put_in_doubt", "message.sent"]


def test_workers_together_send_each_message_once(outbox: Outbox) -> None:
    expected = {str(outbox.enqueue()): 1 for _ in range(80)}

    def drain() -> None:
        while outbox.send():
            pass

    workers = [threading.Thread(target=drain) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert outbox.twilio.posts() == expected


def _take_and_die(outbox: Outbox, now: datetime) -> Batch:
    with transaction() as session:
        batch = taking.take(session, Line(channel="sms", gateways=outbox.gateways, gate=open_gate), now=now)
    assert batch.ready
    return batch


def _mark_and_die(outbox: Outbox, now: datetime) -> None:
    assert _mark(_take_and_die(outbox, now), now)


def _mark(batch: Batch, now: datetime) -> list[Ready]:
    with transaction() as session:
        return sending._mark(session, batch.token, batch.ready, now=now)
