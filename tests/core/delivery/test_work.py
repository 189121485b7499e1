"""Sending what is due, against Twilio's stand-in: once at the provider, whatever happens."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core import clock, ids
from core.db import transaction
from core.delivery import recording, sending, taking, work
from core.delivery.gates import open_gate
from core.delivery.held import Ready
from core.delivery.models import Message
from core.errors import Busy
from core.gateways import http, registry
from core.gateways.outcomes import Outcome
from core.gateways.sms import Sms
from core.settings import Settings
from tests.core.delivery.outbox import PHONE, Outbox, announced, announced_names
from tests.standins.fcm import Fcm
from tests.standins.server import Behaviour
from tests.standins.twilio import sid

pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")


def test_due_message_is_sent_once_and_announced(outbox: Outbox) -> None:
    address_id, reference = ids.new(), ids.new()
    message_id = outbox.enqueue(address_id=address_id, reference=reference)

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
        "reference": str(reference),
        "provider": "twilio",
        "country": "US",
    }


def test_message_that_is_not_due_waits(outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue(due_at=now + timedelta(seconds=1))

    assert outbox.send(now) == 0
    assert outbox.send(now + timedelta(seconds=1)) == 1


def test_message_that_has_expired_is_not_sent(outbox: Outbox) -> None:
    now = clock.now()
    late = outbox.enqueue(expires_at=now)
    in_time = outbox.enqueue(expires_at=now + timedelta(minutes=5))

    outbox.send()

    assert (outbox.message(late).state, outbox.message(late).last_error) == ("failed", "expired")
    assert outbox.message(in_time).state == "sent"
    assert outbox.twilio.posts() == {str(in_time): 1}
    assert sorted(announced_names()) == ["message.failed", "message.sent"]


def test_sign_in_code_overtakes_a_campaign(outbox: Outbox) -> None:
    now = clock.now()
    for _ in range(taking.BATCH):
        outbox.enqueue(purpose="marketing", due_at=now - timedelta(hours=1))
    receipt = outbox.enqueue(purpose="transactional", due_at=now)
    code = outbox.enqueue(purpose="sign_in", due_at=now)

    assert outbox.send(now) == taking.BATCH

    assert [outbox.message(one).state for one in (code, receipt)] == ["sent", "sent"]
    # Both left in the first group.
    first = {asked.message_id for asked in outbox.twilio.asked[: sending.AT_ONCE]}
    assert {str(code), str(receipt)} <= first


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
    taken = [outbox.send(far + timedelta(days=day)) for day in range(recording.MAX_ATTEMPTS + 2)]

    assert sum(taken) == recording.MAX_ATTEMPTS
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


def test_gateway_that_raises_leaves_doubt_and_its_own_words_in_no_log(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(_: object, sms: object) -> None:
        raise RuntimeError(f"no room for {sms}")

    monkeypatch.setattr(type(outbox.gateways.sms), "send", raises)
    message_id = outbox.enqueue()

    outbox.send()

    assert outbox.message(message_id).state == "in_doubt"
    assert f"RuntimeError while sending message {message_id}" in caplog.text
    assert PHONE not in caplog.text
    assert "Your coffee waits" not in caplog.text


def test_recording_is_tried_again_while_the_database_is_busy_and_then_given_up() -> None:
    tries: list[str] = []

    def busy(times: int) -> list[Ready]:
        tries.append("tried")
        if len(tries) <= times:
            raise Busy
        return []

    assert sending.keep(lambda: busy(sending.RECORDINGS - 1)) == []
    assert len(tries) == sending.RECORDINGS

    tries.clear()
    with pytest.raises(Busy):
        sending.keep(lambda: busy(sending.RECORDINGS))


def test_push_to_a_removed_app_fails_and_tells_that_its_address_is_dead(outbox: Outbox) -> None:
    with Fcm() as fcm:
        outbox.gateways = registry.build(Settings(fcm_project_id="brand", fcm_api_url=fcm.url))
        fcm.will(Behaviour("refuse", code="UNREGISTERED"))
        content = {"title": "A gift", "body": "Your coffee waits", "data": {"step": "7"}}
        message_id = outbox.enqueue(channel="push", recipient="device-1", content=content)
        outbox.send()

    assert outbox.message(message_id).state == "failed"
    ((name, payload),) = announced()
    assert (name, payload["reason"], payload["is_address_dead"]) == ("message.failed", "UNREGISTERED", True)


def _postpone(session: Session, message_id: UUID) -> None:
    session.get_one(Message, message_id).due_at = clock.now() + timedelta(hours=1)


def test_sign_in_code_does_not_wait_for_a_campaign_whose_provider_hangs(outbox: Outbox) -> None:
    hanging, answers = threading.Event(), threading.Event()
    send = outbox.gateways.sms.send

    class Hangs:
        name = "twilio"

        def send(self, sms: Sms) -> Outcome:
            if sms.body == "Autumn thanks":
                hanging.set()
                answers.wait(20)
            return send(sms)

    gateways = replace(outbox.gateways, sms=Hangs())
    lines = {line.name: line for line in work.lines(gateways, open_gate)}
    outbox.enqueue(content={"body": "Autumn thanks"})
    campaign = threading.Thread(target=lines["delivery.sms"].run, args=[clock.now()])
    campaign.start()
    assert hanging.wait(10)
    code = outbox.enqueue(purpose="sign_in", content={"body": "123456 is your code"})

    assert lines["delivery.codes"].run(clock.now()) == 1

    assert outbox.message(code).state == "sent"
    answers.set()
    campaign.join()


def test_codes_line_leaves_everything_else_to_its_channel(outbox: Outbox) -> None:
    lines = {line.name: line for line in work.lines(outbox.gateways, open_gate)}
    receipt = outbox.enqueue(purpose="transactional")

    assert lines["delivery.codes"].run(clock.now()) == 0
    assert lines["delivery.sms"].run(clock.now()) == 1
    assert outbox.message(receipt).state == "sent"


def test_what_waits_for_one_channel_is_left_by_the_others(outbox: Outbox) -> None:
    lines = {line.name: line for line in work.lines(outbox.gateways, open_gate)}
    outbox.enqueue()

    assert [lines[f"delivery.{channel}"].run(clock.now()) for channel in ("push", "email", "whatsapp")] == [0, 0, 0]
    assert lines["delivery.sms"].run(clock.now()) == 1
