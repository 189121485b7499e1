"""The gate: asked about each message right before it leaves, whatever was decided when it was written."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock, ids
from core.delivery import work
from core.delivery.gates import AtGate, Drop, Pass, PutOff, Verdict
from tests.core.delivery.outbox import Outbox, announced


class Gate:
    """Says what it is told to, and keeps what it was asked."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.by_customer: dict[UUID, Verdict] = {}
        self.asked: list[AtGate] = []

    def __call__(self, session: Session, messages: Sequence[AtGate], now: datetime) -> Mapping[UUID, Verdict]:
        self.asked += messages
        return {one.id: self.by_customer[one.customer_id] for one in messages if one.customer_id in self.by_customer}


def send(outbox: Outbox, gate: Gate, now: datetime | None = None) -> int:
    return work.send_due(outbox.gateways, now or clock.now(), gate=gate)


def test_gate_sees_what_the_author_laid_down_and_no_address(outbox: Outbox) -> None:
    gate, reference, address_id = Gate(), ids.new(), ids.new()
    asked = {"quiet": "hold", "caps": [["any", "2026-11-22"]]}
    message_id = outbox.enqueue(gate=asked, reference=reference, address_id=address_id)

    send(outbox, gate)

    (seen,) = gate.asked
    assert (seen.id, seen.channel, seen.purpose, seen.gate) == (message_id, "sms", "marketing", asked)
    assert (seen.reference, seen.address_id) == (reference, address_id)
    assert not hasattr(seen, "recipient")
    assert outbox.message(message_id).state == "sent"


def test_dropped_message_never_leaves_and_says_why(outbox: Outbox) -> None:
    gate = Gate()
    message_id = outbox.enqueue()
    gate.by_customer[outbox.message(message_id).customer_id] = Drop("opted_out")

    send(outbox, gate)

    message = outbox.message(message_id)
    assert (message.state, message.last_error, outbox.twilio.asked) == ("suppressed", "opted_out", [])
    ((name, payload),) = announced()
    assert (name, payload["reason"]) == ("message.suppressed", "opted_out")


def test_message_that_is_put_off_is_asked_about_again_and_has_used_no_attempt(outbox: Outbox) -> None:
    gate, now = Gate(), clock.now()
    message_id = outbox.enqueue(due_at=now)
    customer_id = outbox.message(message_id).customer_id
    gate.by_customer[customer_id] = PutOff(now + timedelta(hours=9))

    send(outbox, gate, now)
    assert send(outbox, gate, now + timedelta(hours=8)) == 0
    gate.by_customer[customer_id] = Pass()
    send(outbox, gate, now + timedelta(hours=9))

    message = outbox.message(message_id)
    assert (message.state, message.attempts, len(gate.asked)) == ("sent", 1, 2)


def test_message_that_is_put_off_beyond_its_end_fails_as_expired(outbox: Outbox) -> None:
    gate, now = Gate(), clock.now()
    message_id = outbox.enqueue(due_at=now, expires_at=now + timedelta(hours=1))
    gate.by_customer[outbox.message(message_id).customer_id] = PutOff(now + timedelta(hours=9))

    send(outbox, gate, now)
    send(outbox, gate, now + timedelta(hours=9))

    assert (outbox.message(message_id).state, outbox.message(message_id).last_error) == ("failed", "expired")


def test_one_that_is_dropped_does_not_hold_the_others_up(outbox: Outbox) -> None:
    gate = Gate()
    dropped, sent = outbox.enqueue(), outbox.enqueue()
    gate.by_customer[outbox.message(dropped).customer_id] = Drop("suspended")

    assert send(outbox, gate) == 2

    assert [outbox.message(one).state for one in (dropped, sent)] == ["suppressed", "sent"]


def test_sign_in_code_and_note_to_staff_pass_every_gate(outbox: Outbox) -> None:
    gate = Gate()
    passing = [outbox.enqueue(purpose=purpose) for purpose in ("sign_in", "staff")]
    for message_id in passing:
        gate.by_customer[outbox.message(message_id).customer_id] = Drop("opted_out")

    send(outbox, gate)

    assert [outbox.message(one).state for one in passing] == ["sent", "sent"]
    assert gate.asked == []


def test_message_that_is_tried_again_is_asked_about_again(outbox: Outbox) -> None:
    from tests.standins.server import Behaviour

    gate = Gate()
    outbox.twilio.will(Behaviour("fail", status=503))
    message_id = outbox.enqueue()
    send(outbox, gate)
    gate.by_customer[outbox.message(message_id).customer_id] = Drop("opted_out")

    send(outbox, gate, clock.now() + timedelta(hours=1))

    assert outbox.message(message_id).state == "suppressed"
    assert len(outbox.twilio.asked) == 1
