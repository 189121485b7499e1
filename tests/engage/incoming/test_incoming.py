"""What customers and strangers write back, brought by Twilio with its signature, each message once."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers
from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery.models import Message
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door
from engage import consents
from engage.consents import Said, preferences, stopping
from engage.consents.models import OptOut
from engage.consents.preferences import Choice
from engage.incoming import taking, windows
from engage.incoming.api import public
from engage.incoming.taking import Incoming
from tests.engage.conftest import START, Scene, journey, say
from tests.engage.consents.test_saying import history
from tests.standins.twilio import AUTH_TOKEN, signed

PUBLIC_URL = "https://brand.example"
STRANGER = "+12125559999"


class Twilio:
    """Twilio's part: it signs what it brings."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def bring(
        self, sender: str, body: str, *, sid: str | None = None, signature: str | None = None, **more: str
    ) -> Any:
        fields = {"MessageSid": sid or f"SM{ids.new().hex}", "From": sender, "To": "+12125550000", "Body": body, **more}
        call = signed(f"{PUBLIC_URL}/hooks/twilio/incoming", fields)
        headers = {"X-Twilio-Signature": call.signature if signature is None else signature}
        return self.client.post("/hooks/twilio/incoming", data=fields, headers=headers)


@pytest.fixture
def twilio(database: None) -> Twilio:
    app = Flask("incoming", static_folder=None)
    app.extensions["settings"] = replace(
        Settings(environment="test"), public_url=PUBLIC_URL, twilio_auth_token=AUTH_TOKEN
    )
    problems.register(app)
    requests.register(app)
    door = Door(name="public", document="public", title="Public", prefix="", guard=None, blueprints=[public.blueprint])
    doors.open_doors(app, [door])
    return Twilio(app.test_client())


def phone_of(customer_id: UUID) -> str:
    with transaction() as session:
        return customers.phone_of(session, customer_id)


def allows(customer_id: UUID, channel: str) -> bool:
    with transaction() as session:
        return consents.of_many(session, [customer_id]).allow(customer_id, channel=channel, purpose="marketing")


def opt_outs() -> list[tuple[str, str]]:
    with transaction() as session:
        return [(row.channel, row.source) for row in session.scalars(select(OptOut).order_by(OptOut.channel))]


def received() -> list[dict[str, Any]]:
    with transaction() as session:
        query = "SELECT payload FROM core.event WHERE name = 'message.received' ORDER BY seq"
        return [row[0] for row in connection_of(session).execute(query)]


def test_stop_and_start_mirrored(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms", "whatsapp"])
    phone = phone_of(customer_id)

    assert twilio.bring(phone, "Stop").status_code == 200
    assert (allows(customer_id, "sms"), allows(customer_id, "whatsapp")) == (False, True)
    assert opt_outs() == [("sms", "stop")]
    twilio.bring(phone, "START")

    assert allows(customer_id, "sms")
    assert opt_outs() == []
    assert [(row.is_granted, row.source) for row in history(customer_id)][2:] == [(False, "stop"), (True, "start")]
    assert [(one["intent"], one["word"], one["channel"]) for one in received()] == [
        ("stop", "STOP", "sms"), ("start", "START", "sms"),
    ]  # fmt: skip


def test_start_gives_back_only_what_stop_took(scene: Scene, twilio: Twilio) -> None:
    never, refused = scene.customer(consent=[]), scene.customer(consent=["sms"])
    with transaction() as session:
        consents.put(session, Said(refused, "sms", "marketing", False), source="app", now=START)

    for customer_id in (never, refused):
        for body in ("STOP", "STOP", "START"):
            twilio.bring(phone_of(customer_id), body)
        assert not allows(customer_id, "sms")
    assert opt_outs() == []


def test_stop_twice_is_taken_once_and_start_still_gives_it_back(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    for body in ("STOP", "stop all", "START"):
        twilio.bring(phone_of(customer_id), body)

    assert allows(customer_id, "sms")


def test_what_a_customer_said_after_the_stop_counts(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    twilio.bring(phone_of(customer_id), "STOP")
    for granted in (True, False):
        with transaction() as session:
            consents.put(session, Said(customer_id, "sms", "marketing", granted), source="app", now=START)

    twilio.bring(phone_of(customer_id), "START")

    assert not allows(customer_id, "sms")


def test_start_gives_back_what_the_provider_heard_first(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    with transaction() as session:
        stopping.stop(session, None, customer_id, "sms", source="provider", now=START)
    assert not allows(customer_id, "sms")

    twilio.bring(phone_of(customer_id), "START")

    assert allows(customer_id, "sms")


def test_stop_by_whatsapp_leaves_sms_alone_and_is_answered(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms", "whatsapp"])

    answer = twilio.bring(f"whatsapp:{phone_of(customer_id)}", "stop")

    assert (allows(customer_id, "sms"), allows(customer_id, "whatsapp")) == (True, False)
    assert opt_outs() == [("whatsapp", "stop")]
    assert "<Message>You will get no more offers" in answer.text
    assert answer.content_type == "text/xml; charset=utf-8"
    helped = twilio.bring(f"whatsapp:{phone_of(customer_id)}", "help").text
    assert re.search(r"All preferences: http\S+/p/[A-Za-z0-9_-]{47}<", helped)


def test_by_sms_the_carriers_answer_alone(scene: Scene, twilio: Twilio) -> None:
    phone = phone_of(scene.customer())

    for body in ("STOP", "START", "HELP", "hello"):
        assert twilio.bring(phone, body).text.endswith("<Response></Response>")


def test_a_word_that_the_account_was_set_to_take_stops_as_well(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])

    twilio.bring(phone_of(customer_id), "arrêt", OptOutType="STOP")

    assert not allows(customer_id, "sms")


def test_a_strangers_stop_holds_for_who_signs_up_with_the_number(scene: Scene, twilio: Twilio) -> None:
    twilio.bring(STRANGER, "STOP")
    assert opt_outs() == [("sms", "stop")]
    assert received() == []

    with transaction() as session:
        customer = customers.sign_up(session, phone=STRANGER, locale=None, time_zone=None, now=START)
        assert [choice.is_blocked for choice in _sms(session, customer.id)] == [True, True]
    twilio.bring(STRANGER, "start")
    with transaction() as session:
        assert [choice.is_blocked for choice in _sms(session, customer.id)] == [False, False]


def _sms(session: Session, customer_id: UUID) -> list[Choice]:
    return [choice for choice in preferences.of(session, customer_id) if choice.channel == "sms"]


def test_stop_takes_back_what_waits_to_be_sent(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    scene.publish(journey("tell", {"tell": say("For you")}))
    scene.happen(scene.order(customer_id))
    scene.read()

    twilio.bring(phone_of(customer_id), "STOP")

    with transaction() as session:
        assert session.scalars(select(Message)).one().state == "suppressed"


def test_a_message_counts_once_however_often_it_is_brought(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    phone = phone_of(customer_id)

    twilio.bring(phone, "STOP", sid="SM1")
    twilio.bring(phone, "START", sid="SM2")
    replayed = twilio.bring(phone, "STOP", sid="SM1")

    assert replayed.status_code == 200
    assert allows(customer_id, "sms")
    assert len(received()) == 2


def test_one_message_brought_twice_at_one_moment_counts_once(scene: Scene, twilio: Twilio) -> None:
    phone = phone_of(scene.customer(consent=["sms"]))
    incoming = Incoming(provider="twilio", provider_message_id="SM1", channel="sms", sender=phone, body="hello")
    outcomes = []

    def bring() -> None:
        with transaction() as session:
            outcomes.append(taking.take(session, incoming, now=START).is_news)

    with transaction() as session:
        outcomes.append(taking.take(session, incoming, now=START).is_news)
        thread = threading.Thread(target=bring)
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()  # it waits for what becomes of the first
    thread.join()

    assert outcomes == [True, False]
    assert len(received()) == 1


def test_a_start_waits_for_the_stop_before_it(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    said = Incoming(
        provider="twilio", provider_message_id="SM1", channel="sms", sender=phone_of(customer_id), body="STOP"
    )

    def start() -> None:
        with transaction() as session:
            taking.take(session, replace(said, provider_message_id="SM2", body="START"), now=START)

    with transaction() as session:
        taking.take(session, said, now=START)
        thread = threading.Thread(target=start)
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
    thread.join()

    assert opt_outs() == []
    assert allows(customer_id, "sms")


@pytest.mark.usefixtures("own_options")
def test_a_stop_outlasts_a_busy_database(scene: Scene, twilio: Twilio) -> None:
    """Longer than a statement waits for a lock, after which it gives up."""
    customer_id = scene.customer(consent=["sms"])
    has_locked = threading.Event()

    def hold_on() -> None:
        with transaction() as session:
            query = "SELECT FROM engage.consent WHERE customer_id = %s FOR UPDATE"
            connection_of(session).execute(query, [customer_id])
            has_locked.set()
            connection_of(session).execute("SELECT pg_sleep(2.3)")

    thread = threading.Thread(target=hold_on)
    thread.start()
    has_locked.wait(timeout=10)
    assert twilio.bring(phone_of(customer_id), "STOP").status_code == 200
    thread.join()

    assert not allows(customer_id, "sms")
    assert len(received()) == 1


@pytest.mark.parametrize("signature", ["", "forged", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_a_forged_message_changes_nothing(scene: Scene, twilio: Twilio, signature: str) -> None:
    customer_id = scene.customer(consent=["sms"])

    refused = twilio.bring(phone_of(customer_id), "STOP", signature=signature)

    assert (refused.status_code, refused.json["code"]) == (403, "bad_signature")
    assert allows(customer_id, "sms")
    assert opt_outs() == []


def test_a_signature_of_another_message_does_not_fit(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer(consent=["sms"])
    fields = {"MessageSid": "SM1", "From": STRANGER, "To": "+12125550000", "Body": "STOP"}
    overheard = signed(f"{PUBLIC_URL}/hooks/twilio/incoming", fields).signature

    assert twilio.bring(phone_of(customer_id), "STOP", sid="SM1", signature=overheard).status_code == 403
    assert allows(customer_id, "sms")


@pytest.mark.parametrize("fields", [{"From": ""}, {"MessageSid": ""}, {"MessageSid": "x" * 65}])
def test_what_names_no_sender_or_message_is_refused(twilio: Twilio, fields: dict[str, str]) -> None:
    given = {"sender": fields.get("From", STRANGER), "body": "STOP", "MessageSid": fields.get("MessageSid", "SM1")}

    assert twilio.bring(given["sender"], given["body"], MessageSid=given["MessageSid"]).status_code == 400


@pytest.mark.parametrize("sender", ["BRAND", "12345", "whatsapp:", "+1", "anonymous"])
def test_what_is_no_number_stops_nobody(twilio: Twilio, sender: str) -> None:
    assert twilio.bring(sender, "STOP").status_code == 200
    assert opt_outs() == []


def test_the_text_stands_sealed_and_nowhere_else(scene: Scene, twilio: Twilio) -> None:
    customer_id = scene.customer()

    twilio.bring(phone_of(customer_id), "My secret is 42")

    [told] = received()
    assert told == {"channel": "sms", "word": None, "intent": None}
    with transaction() as session:
        query = "SELECT p.event_id, p.ciphertext FROM core.event_private p WHERE p.customer_id = %s"
        [(event_id, ciphertext)] = connection_of(session).execute(query, [customer_id])
        text = crypto.unseal(
            session, owner_id=customer_id, place="core.event_private.ciphertext", row_id=event_id, ciphertext=ciphertext
        )
    assert text == '{"/body": "My secret is 42"}'
    with transaction() as session:
        for table in ("core.event", "engage.incoming_receipt", "engage.incoming_window", "engage.opt_out"):
            row = connection_of(session).execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%%secret%%'")
            assert row.fetchone() == (0,)


def test_whatsapps_window_is_open_for_a_day_after_the_customer_wrote(scene: Scene, twilio: Twilio) -> None:
    customer_id, other = scene.customer(), scene.customer()
    with clock.simulated(lambda: START):
        twilio.bring(f"whatsapp:{phone_of(customer_id)}", "hello")
        twilio.bring(phone_of(other), "hello")  # by SMS opens nothing there

    ends_at = START + timedelta(hours=24)
    with transaction() as session:
        for now, expected in ((ends_at - timedelta(seconds=1), {customer_id: ends_at}), (ends_at, {})):
            assert windows.ends_of(session, [customer_id, other], now=now) == expected
        windows.open_(session, customer_id, "whatsapp", now=START - timedelta(days=1))  # late ones close nothing
        assert windows.ends_of(session, [customer_id], now=START) == {customer_id: ends_at}


def test_receipts_are_forgotten_after_a_while(twilio: Twilio) -> None:
    with clock.simulated(lambda: START):
        twilio.bring(STRANGER, "hello")

    with transaction() as session:
        assert taking.forget(session, before=START, most=10) == 0
        assert taking.forget(session, before=START + timedelta(seconds=1), most=10) == 1
