"""Status call-backs, as Twilio posts and signs them, against the real view."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from core import clock, ids
from core.db import transaction
from core.delivery import in_doubt, receipts
from core.delivery.api import public
from core.delivery.models import Message
from core.errors import Busy, NotFound
from core.web import doors, problems
from core.web.doors import Door
from tests.core.delivery.outbox import Outbox, announced_names
from tests.standins.server import Behaviour
from tests.standins.twilio import CallBack, sid, signed


@pytest.fixture
def hooks(outbox: Outbox) -> FlaskClient:
    app = Flask(__name__)
    app.extensions["settings"] = outbox.settings
    problems.register(app)
    doors.open_doors(
        app,
        [Door(name="public", document="public", title="Public", prefix="", guard=None, blueprints=[public.blueprint])],
    )
    return app.test_client()


def post(hooks: FlaskClient, call: CallBack, *, signature: str | None = None) -> int:
    path = call.url.removeprefix("https://brand.example")
    given = call.signature if signature is None else signature
    return hooks.post(path, data=call.fields, headers={"X-Twilio-Signature": given}).status_code


def sent(outbox: Outbox) -> UUID:
    message_id = outbox.enqueue()
    outbox.send()
    return message_id


def test_delivery_receipt_moves_the_message_on_once(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)
    call = outbox.twilio.call_back(str(message_id), "delivered")

    assert [post(hooks, call), post(hooks, call)] == [204, 204]

    message = outbox.message(message_id)
    assert message.state == "delivered"
    assert message.delivered_at is not None
    assert announced_names() == ["message.sent", "message.delivered"]


def test_receipt_that_finds_the_database_busy_is_not_lost(
    outbox: Outbox, hooks: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = sent(outbox)
    take, tries = receipts.take, []

    def busy_at_first(*args: Any, **given: Any) -> bool:
        tries.append("tried")
        if len(tries) == 1:
            raise Busy
        return take(*args, **given)

    monkeypatch.setattr(receipts, "take", busy_at_first)

    assert post(hooks, outbox.twilio.call_back(str(message_id), "delivered")) == 204
    assert outbox.message(message_id).state == "delivered"


def test_late_receipt_of_an_earlier_step_changes_nothing(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)

    for status in ("delivered", "sent", "undelivered"):
        assert post(hooks, outbox.twilio.call_back(str(message_id), status)) == 204

    assert outbox.message(message_id).state == "delivered"


def test_undelivered_message_fails_with_the_providers_code(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)

    post(hooks, outbox.twilio.call_back(str(message_id), "undelivered", error_code="63016"))

    message = outbox.message(message_id)
    assert (message.state, message.last_error) == ("failed", "twilio_63016")
    assert announced_names() == ["message.sent", "message.failed"]


@pytest.mark.parametrize(("status", "state"), [("queued", "sent"), ("delivered", "delivered"), ("failed", "failed")])
def test_receipt_settles_a_message_in_doubt(outbox: Outbox, hooks: FlaskClient, status: str, state: str) -> None:
    outbox.twilio.will(Behaviour("drop"))
    message_id = sent(outbox)
    assert outbox.message(message_id).state == "in_doubt"

    post(hooks, outbox.twilio.call_back(str(message_id), status))

    message = outbox.message(message_id)
    assert (message.state, message.provider_message_id) == (state, sid(str(message_id)))


def test_receipt_that_overtakes_the_answer_is_not_undone_by_it(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = outbox.enqueue()
    send = outbox.gateways.sms.send

    class Overtaken:
        name = "twilio"

        def send(self, sms: Any) -> Any:
            outcome = send(sms)
            post(hooks, outbox.twilio.call_back(str(message_id), "delivered"))
            return outcome

    object.__setattr__(outbox.gateways, "sms", Overtaken())
    outbox.send()

    assert outbox.message(message_id).state == "delivered"
    assert announced_names() == ["message.sent", "message.delivered"]


def test_receipt_for_another_of_the_providers_messages_changes_nothing(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)
    other = {"MessageSid": "SMother", "MessageStatus": "failed"}

    assert post(hooks, signed(f"https://brand.example/hooks/twilio/{message_id}", other)) == 204

    assert outbox.message(message_id).state == "sent"


def test_forged_receipt_is_refused_and_changes_nothing(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)
    call = outbox.twilio.call_back(str(message_id), "delivered")
    forged = outbox.twilio.call_back(str(message_id), "delivered", auth_token="guessed")

    assert post(hooks, forged) == 403
    assert post(hooks, call, signature="") == 403
    assert post(hooks, CallBack(call.url, {**call.fields, "MessageStatus": "failed"}, call.signature)) == 403

    assert outbox.message(message_id).state == "sent"


def test_without_a_token_of_ours_no_signature_fits(outbox: Outbox, hooks: FlaskClient) -> None:
    message_id = sent(outbox)
    hooks.application.extensions["settings"] = type(outbox.settings)(public_url="https://brand.example")

    assert post(hooks, outbox.twilio.call_back(str(message_id), "delivered", auth_token="")) == 403


def test_receipt_for_an_unknown_message_is_not_found(outbox: Outbox, hooks: FlaskClient) -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}

    assert post(hooks, signed(f"https://brand.example/hooks/twilio/{ids.new()}", fields)) == 404


def test_messages_in_doubt_are_listed_and_settled_by_an_operator(outbox: Outbox) -> None:
    outbox.twilio.always = Behaviour("drop")
    first, second = sent(outbox), sent(outbox)

    with transaction() as session:
        assert [message.id for message in in_doubt.list_(session)] == [first, second]
        assert [message.id for message in in_doubt.list_(session, after=first)] == [second]
    with transaction() as session:
        in_doubt.settle(session, message_id=first, was_taken=True, actor="staff:1", now=clock.now())
        in_doubt.settle(session, message_id=second, was_taken=False, actor="staff:1", now=clock.now())

    assert [outbox.message(one).state for one in (first, second)] == ["sent", "failed"]
    with pytest.raises(in_doubt.NotInDoubt), transaction() as session:
        in_doubt.settle(session, message_id=first, was_taken=False, actor="staff:1", now=clock.now())
    with pytest.raises(NotFound), transaction() as session:
        in_doubt.settle(session, message_id=ids.new(), was_taken=True, actor="staff:1", now=clock.now())


def test_receipt_reaches_a_message_that_waits_for_a_retry(outbox: Outbox, hooks: FlaskClient) -> None:
    """The provider said 503 but took it after all: it must not go out twice."""
    outbox.twilio.will(Behaviour("fail", status=503))
    message_id = sent(outbox)
    with transaction() as session:
        session.execute(update(Message).where(Message.id == message_id).values(due_at=clock.now()))

    post(hooks, outbox.twilio.call_back(str(message_id), "sent"))

    assert outbox.send() == 0
    assert outbox.message(message_id).state == "sent"
