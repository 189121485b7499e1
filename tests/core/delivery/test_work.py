"""Sending what is due, against Twilio's stand-in: once at the provider, whatever happens."""

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core import clock, crypto, ids
from core import work as due
from core.db import transaction
from core.delivery import messages, work
from core.delivery.models import Message
from core.gateways import http, registry
from core.gateways.outcomes import Outcome
from core.gateways.sms import Sms
from tests.core.delivery.outbox import PHONE, Outbox, a_customer, announced, announced_names
from tests.standins.server import Behaviour
from tests.standins.twilio import sid


def test_due_message_is_sent_once_and_announced(outbox: Outbox) -> None:
    address_id = ids.new()
    message_id = outbox.enqueue(address_id=address_id)

    assert outbox.send() == 1
    assert outbox.send() == 0

    message = outbox.message(message_id)
    assert (message.state, message.provider, message.attempts) == ("sent", "twilio", 1)
    assert message.provider_message_id == sid(str(message_id))
    assert message.sent_at is not None
    assert outbox.twilio.posts() == {str(message_id): 1}
    assert outbox.twilio.asked[0].recipient == PHONE
    ((name, payload),) = announced()
    assert name == "message.sent"
    assert payload == {
        "message_id": str(message_id),
        "channel": "sms",
        "purpose": "marketing",
        "address_id": str(address_id),
        "provider": "twilio",
    }


def test_message_that_is_not_due_waits(outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue(due_at=now + timedelta(seconds=1))

    assert outbox.send(now) == 0
    assert outbox.send(now + timedelta(seconds=1)) == 1


def test_message_of_a_deed_that_was_rolled_back_never_leaves(outbox: Outbox) -> None:
    customer_id, now = a_customer(), clock.now()

    with pytest.raises(RuntimeError), transaction() as session:
        messages.enqueue(
            session,
            customer_id=customer_id,
            channel="sms",
            recipient=PHONE,
            content={"body": "Hello"},
            purpose="marketing",
            due_at=now,
            now=now,
        )
        raise RuntimeError("the deed failed")

    assert outbox.send() == 0


def test_lost_reply_puts_the_message_in_doubt_and_is_never_sent_again(outbox: Outbox) -> None:
    message_id = outbox.enqueue()
    outbox.twilio.will(Behaviour("drop"))

    outbox.send()
    later = clock.now() + timedelta(days=2)
    outbox.send(later)
    work.recover_lost(later)

    message = outbox.message(message_id)
    assert (message.state, message.last_error) == ("in_doubt", "ConnectionError")
    assert outbox.twilio.posts() == {str(message_id): 1}
    assert announced_names() == ["message.put_in_doubt"]


def test_silence_puts_the_message_in_doubt(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    impatient = registry.build(outbox.settings)
    message_id = outbox.enqueue()
    outbox.twilio.will(Behaviour("hang"))

    work.send_due(impatient, clock.now())

    assert outbox.message(message_id).state == "in_doubt"


def test_provider_that_surely_did_not_take_it_is_asked_again_later(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    outbox.twilio.will(Behaviour("limit", retry_after="30"))

    outbox.send(now)

    waiting = outbox.message(message_id)
    assert (waiting.state, waiting.last_error) == ("pending", "twilio_20429")
    assert waiting.due_at is not None
    assert waiting.due_at >= now + timedelta(seconds=30)
    assert outbox.send(waiting.due_at) == 1
    assert outbox.message(message_id).state == "sent"


def test_attempts_are_capped(outbox: Outbox) -> None:
    message_id = outbox.enqueue()
    outbox.twilio.always = Behaviour("fail", status=503)

    far = clock.now() + timedelta(days=1)
    taken = [outbox.send(far + timedelta(days=day)) for day in range(work.MAX_ATTEMPTS + 2)]

    assert sum(taken) == work.MAX_ATTEMPTS
    message = outbox.message(message_id)
    assert (message.state, message.last_error) == ("failed", "gave_up: http_503")
    assert announced_names() == ["message.failed"]


def test_refusal_for_good_fails_at_once_and_a_dead_address_is_told(outbox: Outbox) -> None:
    opted_out, dead = outbox.enqueue(), outbox.enqueue()
    outbox.twilio.always = Behaviour("refuse", code="21610")
    with transaction() as session:
        _postpone(session, dead)
    outbox.send()
    outbox.twilio.always = Behaviour("refuse", code="21211")
    outbox.send(clock.now() + timedelta(hours=2))

    assert [outbox.message(one).state for one in (opted_out, dead)] == ["failed", "failed"]
    assert [(payload["reason"], payload["is_address_dead"]) for _, payload in announced()] == [
        ("twilio_21610", False),
        ("twilio_21211", True),
    ]


def test_worker_that_died_before_its_call_has_its_message_sent_by_another(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    _claim_and_die(now)
    assert outbox.send() == 0

    after = now + work.LEASE
    assert work.recover_lost(after) == 1
    outbox.send(after)

    message = outbox.message(message_id)
    assert (message.state, message.attempts) == ("sent", 1)


def test_worker_that_died_in_its_call_leaves_the_message_in_doubt(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    token = _claim_and_die(now)
    assert work._begin(outbox.gateways, token, message_id, now=now) is not None

    assert work.recover_lost(now + work.LEASE - timedelta(seconds=1)) == 0
    assert work.recover_lost(now + work.LEASE) == 1

    message = outbox.message(message_id)
    assert (message.state, message.last_error) == ("in_doubt", "lease_lost")
    assert outbox.send(now + timedelta(days=1)) == 0
    assert outbox.twilio.posts() == {}
    assert announced_names() == ["message.put_in_doubt"]


def test_worker_whose_lease_was_lost_makes_no_call(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    token = _claim_and_die(now)
    work.recover_lost(now + work.LEASE)

    assert work._begin(outbox.gateways, token, message_id, now=now) is None


def test_lease_that_has_just_ended_makes_no_call(outbox: Outbox) -> None:
    now = clock.now()
    message_id = outbox.enqueue(due_at=now)
    token = _claim_and_die(now)

    assert work._begin(outbox.gateways, token, message_id, now=now + work.LEASE) is None


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


def test_message_of_an_erased_customer_is_suppressed(outbox: Outbox) -> None:
    customer_id = a_customer()
    message_id = outbox.enqueue(customer_id=customer_id)
    with transaction() as session:
        crypto.destroy_data_key(session, customer_id)

    outbox.send()

    assert outbox.message(message_id).state == "suppressed"
    assert outbox.twilio.posts() == {}


def test_address_and_wording_lie_in_the_database_only_as_ciphertext(outbox: Outbox) -> None:
    message = outbox.message(outbox.enqueue())

    assert PHONE.encode() not in message.recipient
    assert b"coffee" not in message.content


def test_content_that_a_channel_cannot_send_is_refused_while_its_author_holds_it(outbox: Outbox) -> None:
    for channel, content in (("push", {"body": "No title"}), ("sms", {}), ("whatsapp", {"body": "a", "text": "b"})):
        with pytest.raises(ValueError, match=channel):
            outbox.enqueue(channel=channel, content=content)


def test_messages_that_wait_can_be_taken_back(outbox: Outbox) -> None:
    customer_id = a_customer()
    marketing = outbox.enqueue(customer_id=customer_id)
    receipt = outbox.enqueue(customer_id=customer_id, purpose="transactional")

    with transaction() as session:
        taken = messages.suppress(session, customer_id=customer_id, reason="opted_out", purpose="marketing")

    assert taken == 1
    outbox.send()
    assert [outbox.message(one).state for one in (marketing, receipt)] == ["suppressed", "sent"]


def _claim_and_die(now: datetime) -> UUID:
    with transaction() as session:
        token, claimed = due.claim(
            session, Message, waiting="pending", leased="claimed", limit=1, lease=work.LEASE, now=now
        )
    assert claimed
    return token


def _postpone(session: Session, message_id: UUID) -> None:
    session.get_one(Message, message_id).due_at = clock.now() + timedelta(hours=1)
