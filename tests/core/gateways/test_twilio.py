"""Twilio's real SDK against a loopback server that speaks Twilio's HTTP."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock, ids
from core.gateways import http
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry, Unknown
from core.gateways.sms import Sms, TwilioSms
from core.gateways.twilio_client import TwilioMessages
from core.gateways.whatsapp import TwilioWhatsApp, WhatsApp
from tests.standins.server import Behaviour
from tests.standins.twilio import AUTH_TOKEN, Twilio, sid

PHONE = "+12125550142"


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with Twilio() as server:
        assert isinstance(server, Twilio)
        yield server


def messages_at(url: str) -> TwilioMessages:
    return TwilioMessages(account_sid="AC1", auth_token=AUTH_TOKEN, public_url="https://brand.example", api_url=url)


def an_sms() -> Sms:
    return Sms(message_id=ids.new(), to=PHONE, body="Your coffee waits")


def send(twilio: Twilio, sms: Sms) -> Outcome:
    return TwilioSms(messages_at(twilio.url), from_="+12125550100").send(sms)


def test_accepted_sms_carries_our_id_in_its_call_back(twilio: Twilio) -> None:
    sms = an_sms()

    outcome = send(twilio, sms)

    assert outcome == Accepted(provider_message_id=sid(str(sms.message_id)))
    (asked,) = twilio.asked
    assert asked.fields["path"] == "/2010-04-01/Accounts/AC1/Messages.json"
    assert (asked.fields["To"], asked.fields["From"], asked.fields["Body"]) == (PHONE, "+12125550100", sms.body)
    assert asked.fields["StatusCallback"] == f"https://brand.example/hooks/twilio/{sms.message_id}"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("21610", Refused("twilio_21610", permanent=True)),
        ("63016", Refused("twilio_63016", permanent=True)),
        ("20003", Refused("twilio_20003", permanent=False)),
        ("21211", AddressDead("twilio_21211")),
    ],
)
def test_refusal_tells_whose_fault_it_is(twilio: Twilio, code: str, outcome: Outcome) -> None:
    twilio.will(Behaviour("refuse", code=code))

    assert send(twilio, an_sms()) == outcome


def test_too_many_requests_may_be_retried_after_the_time_it_names(twilio: Twilio) -> None:
    twilio.will(Behaviour("limit", retry_after="7"), Behaviour("limit"))

    assert send(twilio, an_sms()) == Retry("twilio_20429", after_seconds=7.0)
    assert send(twilio, an_sms()) == Retry("twilio_20429", after_seconds=None)


def test_503_may_be_retried_and_500_is_unknown(twilio: Twilio) -> None:
    twilio.will(Behaviour("fail", status=503), Behaviour("fail", status=500))

    assert send(twilio, an_sms()) == Retry("http_503")
    assert send(twilio, an_sms()) == Unknown("http_500")


def test_lost_reply_is_unknown_and_was_asked_exactly_once(twilio: Twilio) -> None:
    twilio.will(Behaviour("drop"))
    sms = an_sms()

    assert send(twilio, sms) == Unknown("ConnectionError")

    assert twilio.posts() == {str(sms.message_id): 1}


def test_lost_reply_on_a_kept_connection_was_asked_exactly_once(twilio: Twilio) -> None:
    gateway = TwilioSms(messages_at(twilio.url), from_="+12125550100")
    gateway.send(an_sms())
    twilio.will(Behaviour("drop"))
    sms = an_sms()

    assert gateway.send(sms) == Unknown("ConnectionError")

    assert twilio.posts()[str(sms.message_id)] == 1


def test_silence_is_unknown_after_the_time_out(twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    twilio.will(Behaviour("hang"))
    sms = an_sms()

    assert send(twilio, sms) == Unknown("ReadTimeout")

    assert twilio.posts() == {str(sms.message_id): 1}


def test_refused_connection_may_be_retried() -> None:
    with Twilio() as server:
        gone = server.url

    assert TwilioSms(messages_at(gone), from_="+1").send(an_sms()) == Retry("ConnectionRefused")


def test_environment_of_the_process_does_not_leak_in(twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TWILIO_EDGE", "sydney")
    monkeypatch.setitem(os.environ, "HTTP_PROXY", "http://127.0.0.1:9")

    assert isinstance(send(twilio, an_sms()), Accepted)


def test_whatsapp_goes_as_text_or_as_a_template(twilio: Twilio) -> None:
    gateway = TwilioWhatsApp(messages_at(twilio.url), from_="+12125550100")

    text = gateway.send(WhatsApp(message_id=ids.new(), to=PHONE, body="Hello"))
    template = gateway.send(WhatsApp(message_id=ids.new(), to=PHONE, content_sid="HX1", content_variables={"1": "Ana"}))

    assert isinstance(text, Accepted)
    assert isinstance(template, Accepted)
    first, second = (asked.fields for asked in twilio.asked)
    assert (first["To"], first["From"], first["Body"]) == (f"whatsapp:{PHONE}", "whatsapp:+12125550100", "Hello")
    assert (second["ContentSid"], second["ContentVariables"]) == ("HX1", '{"1": "Ana"}')
    assert "Body" not in second


def test_what_twilio_was_given_is_listed_by_recipient_and_sender(twilio: Twilio) -> None:
    gateway = TwilioSms(messages_at(twilio.url), from_="+12125550100")
    twilio.will(Behaviour("drop"), Behaviour("lose"), Behaviour("accept"), Behaviour("accept"))
    taken, lost = an_sms(), an_sms()
    gateway.send(taken)
    gateway.send(lost)
    gateway.send(replace(an_sms(), to="+12125550143"))
    TwilioSms(messages_at(twilio.url), from_="+12125550101").send(an_sms())

    (listed,) = gateway.listed(PHONE)

    assert (listed.provider_message_id, listed.body, listed.status) == (
        sid(str(taken.message_id)),
        taken.body,
        "queued",
    )
    assert abs(listed.created_at - clock.now()) < timedelta(minutes=1)


def test_list_that_does_not_come_tells_nothing(twilio: Twilio) -> None:
    gateway = TwilioSms(messages_at(twilio.url), from_="+12125550100")
    twilio.lists_fail_with = 503

    assert isinstance(gateway.listed(PHONE), Unknown)


def test_country_that_the_account_may_not_write_to_is_no_fault_of_the_whole_route(twilio: Twilio) -> None:
    twilio.will(Behaviour("refuse", code="21408"))

    assert send(twilio, an_sms()) == Refused("twilio_21408", permanent=False, is_routes=False)


def test_answer_after_our_time_out_is_unknown(twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    twilio.will(Behaviour("late", seconds=0.3))

    assert send(twilio, an_sms()) == Unknown("ReadTimeout")


def test_whatsapp_with_both_or_neither_cannot_be_made() -> None:
    for given in ({}, {"body": "Hello", "content_sid": "HX1"}):
        with pytest.raises(ValueError, match="either a body or a content_sid"):
            WhatsApp(message_id=ids.new(), to=PHONE, **given)
