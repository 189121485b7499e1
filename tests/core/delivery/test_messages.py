"""Messages as their authors see them: sealed, bound to their deed, taken back in time."""

from datetime import timedelta

import pytest

from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery import countries, messages, withdrawing
from core.events.announce import MAX_DEPTH
from core.gateways.outcomes import Retry
from tests.core.delivery.outbox import PHONE, Outbox, a_customer, announced_names


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
        (taken,) = withdrawing.withdraw(
            session, customer_ids=[customer_id], channel="sms", purpose="marketing", reason="opted_out", now=clock.now()
        )

    assert taken.id == marketing
    outbox.send()
    assert [outbox.message(one).state for one in (marketing, receipt)] == ["suppressed", "sent"]


def test_what_waits_for_one_channel_alone_can_be_taken_back(outbox: Outbox) -> None:
    customer_id = a_customer()
    sms = outbox.enqueue(customer_id=customer_id)
    whatsapp = outbox.enqueue(customer_id=customer_id, channel="whatsapp")

    with transaction() as session:
        withdrawing.withdraw(
            session, customer_ids=[customer_id], channel="whatsapp", reason="opted_out", now=clock.now()
        )

    assert [outbox.message(one).state for one in (sms, whatsapp)] == ["pending", "suppressed"]


def test_what_became_of_a_message_continues_the_chain_that_led_to_it(outbox: Outbox) -> None:
    cause = ids.new()
    outbox.enqueue(caused_by=cause, depth=3, trace="journey-7")
    outbox.enqueue(caused_by=cause, depth=MAX_DEPTH)

    outbox.send()

    with transaction() as session:
        rows = (
            connection_of(session).execute("SELECT caused_by, depth, trace FROM core.event ORDER BY depth").fetchall()
        )
    assert rows == [(cause, 4, "journey-7"), (cause, MAX_DEPTH, None)]


def test_message_may_be_put_off_or_taken_back_by_its_id_while_it_waits(outbox: Outbox) -> None:
    now = clock.now()
    late, gone, left = (outbox.enqueue(due_at=now) for _ in range(3))
    later = now + timedelta(hours=2)

    with transaction() as session:
        assert messages.put_off(session, [late], until=later) == 1
        (back,) = withdrawing.take_back(session, [gone, gone], reason="cancelled", now=now)
        assert (back.id, back.gate) == (gone, {})

    assert outbox.send(now) == 1
    assert [outbox.message(one).state for one in (late, gone, left)] == ["pending", "suppressed", "sent"]
    with transaction() as session:
        assert messages.put_off(session, [gone, left], until=later) == 0
        assert withdrawing.take_back(session, [left], reason="cancelled", now=later) == []
    assert outbox.send(later) == 1
    assert announced_names() == ["message.suppressed", "message.sent", "message.sent"]


def test_message_that_is_taken_back_during_its_call_is_not_tried_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = outbox.enqueue()

    def busy(*_: object) -> Retry:
        with transaction() as session:
            assert withdrawing.take_back(session, [message_id], reason="cancelled", now=clock.now()) == []
        return Retry("http_503")

    with monkeypatch.context() as patched:
        patched.setattr(type(outbox.gateways.sms), "send", busy)
        outbox.send()
    assert outbox.message(message_id).state == "pending"

    outbox.send(clock.now() + timedelta(hours=1))

    assert (outbox.message(message_id).state, outbox.message(message_id).last_error) == ("failed", "expired")
    assert outbox.twilio.asked == []


@pytest.mark.parametrize(
    ("channel", "recipient", "country"),
    [("sms", "+447700900456", "GB"), ("whatsapp", "+12125550142", "US"), ("sms", "+999", None), ("push", "+44", None)],
)
def test_phone_number_tells_the_country_of_its_price(channel: str, recipient: str, country: str | None) -> None:
    assert countries.of_recipient(channel, recipient) == country
