"""The steps of signing in within the app: each method's, and what is no step of it."""

import json
from typing import Any

import pytest
from flask import Flask

from auth import customers
from auth.oauth import pkce
from auth.proofs import Owner
from core.db import transaction
from core.delivery import work
from core.gateways import sandbox
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import PHONE, VERIFIER, Phone, Watch
from tests.auth.passkeys.conftest import added
from tests.suspending import suspend

PROOF = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}


def begin(phone: Phone, **form: str) -> Any:
    return phone.post("/oauth/authorize-challenge", **{**PROOF, **form})


def go_on(phone: Phone, auth_session: str, **form: str) -> Any:
    return phone.post("/oauth/authorize-challenge", auth_session=auth_session, **form)


@pytest.fixture
def device(app: Flask, watch: Watch) -> Authenticator:
    """With a passkey of the customer of PHONE."""
    device = Authenticator()
    with transaction() as session:
        customer = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=watch.now)
    added(Owner(customer_id=customer.id), device, now=watch.now)
    return device


def test_the_first_answer_says_what_comes_next(phone: Phone) -> None:
    asked = phone.ask()

    assert asked.json["methods"] == ["otp"]
    assert (asked.json["channel"], asked.json["resend_after"], asked.json["expires_in"]) == ("sms", 30, 300)


def test_a_passkey_signs_in_without_a_number(phone: Phone, device: Authenticator) -> None:
    asked = begin(phone, method="passkey")
    assert (asked.status_code, asked.json["error"]) == (400, "insufficient_authorization")
    assert "allowCredentials" not in asked.json["passkey"] or not asked.json["passkey"]["allowCredentials"]
    assert asked.json["passkey"]["userVerification"] == "required"

    proved = go_on(phone, asked.json["auth_session"], passkey=json.dumps(device.get(asked.json["passkey"])))

    assert proved.status_code == 200
    granted = phone.redeem(proved.json["authorization_code"])
    me: Any = phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {granted.json['access_token']}"})
    assert me.json["phone"] == PHONE


def test_a_passkeys_challenge_is_answered_once(phone: Phone, device: Authenticator) -> None:
    asked = begin(phone, method="passkey")
    wrong = device.get({**asked.json["passkey"], "challenge": "AAAA"})
    told = go_on(phone, asked.json["auth_session"], passkey=json.dumps(wrong))
    assert (told.json["error"], told.json["tries_left"]) == ("insufficient_authorization", 4)
    assert told.json["passkey"]["challenge"] != asked.json["passkey"]["challenge"]

    late = go_on(phone, asked.json["auth_session"], passkey=json.dumps(device.get(asked.json["passkey"])))
    assert (late.json["error"], late.json["tries_left"]) == ("insufficient_authorization", 3)
    again = go_on(phone, asked.json["auth_session"], passkey=json.dumps(device.get(late.json["passkey"])))

    assert again.status_code == 200
    assert go_on(phone, asked.json["auth_session"], passkey="{}").json["error"] == "invalid_session"


@pytest.mark.parametrize(
    "bent", ["", "[]", "null", '"x"', "[" * 5_000, "{}", '{"rawId": 7}', '{"rawId": "é"}', "x" * 30_000]
)
def test_what_is_no_passkey_gets_the_same_answer(phone: Phone, device: Authenticator, bent: str) -> None:
    asked = begin(phone, method="passkey")

    answers = [go_on(phone, asked.json["auth_session"], passkey=bent or "0") for _ in range(5)]

    assert [answer.json["error"] for answer in answers] == ["insufficient_authorization"] * 4 + ["invalid_session"]
    assert {answer.json["error_description"] for answer in answers[:4]} == {"This passkey does not work here"}


def test_a_suspended_customers_passkey_does_not_sign_in(phone: Phone, device: Authenticator) -> None:
    with transaction() as session:
        customer_id = customers.by_phone(session, PHONE)
        assert customer_id
        suspend(session, customer_id)
    asked = begin(phone, method="passkey")

    told = go_on(phone, asked.json["auth_session"], passkey=json.dumps(device.get(asked.json["passkey"])))

    assert told.json["error"] == "access_denied"


def test_no_step_is_taken_that_is_not_waited_for(phone: Phone) -> None:
    of_number = phone.ask().json["auth_session"]
    of_passkey = begin(phone, method="passkey").json["auth_session"]
    wrong = {
        "a passkey for a code": go_on(phone, of_number, passkey="{}"),
        "a code for a passkey": go_on(phone, of_passkey, otp="123456"),
        "another code of none": go_on(phone, of_passkey, resend="1"),
        "nothing": go_on(phone, of_number),
        "two things": go_on(phone, of_number, otp="123456", resend="1"),
        "a method that there is not": begin(phone, method="password"),
        "a channel that there is not": begin(phone, login_hint=PHONE, channel="pigeon"),
        "a device's name": begin(phone, login_hint=PHONE, device="a b"),
    }

    for name, answer in wrong.items():
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), name
    assert go_on(phone, "x" * 43, otp="123456").json["error"] == "invalid_session"
    assert phone.prove(of_number, phone.read_code()).status_code == 200  # nothing was lost by it


def test_who_has_the_auth_session_may_leave_the_client_out(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    code = phone.read_code()

    proved = phone.client.post("/oauth/authorize-challenge", data={"auth_session": auth_session, "otp": code})
    unknown: Any = phone.client.post("/oauth/authorize-challenge", data={"auth_session": "x", "otp": code})

    assert (proved.status_code, unknown.json["error"]) == (200, "invalid_session")


def test_a_scope_is_asked_for_in_the_first_request(phone: Phone) -> None:
    refused = begin(phone, login_hint=PHONE, scope="openid everything")
    auth_session = begin(phone, login_hint=PHONE, scope="openid").json["auth_session"]
    proved = phone.prove(auth_session, phone.read_code())

    assert refused.json["error"] == "invalid_scope"
    assert phone.redeem(proved.json["authorization_code"]).json["scope"] == "openid"


def test_another_code_is_sent_after_thirty_seconds_and_the_first_one_works_no_more(phone: Phone, watch: Watch) -> None:
    auth_session = phone.ask().json["auth_session"]
    first = phone.read_code()
    watch.move(seconds=29)
    early = go_on(phone, auth_session, resend="1")
    assert (early.status_code, early.json["error"], early.headers["Retry-After"]) == (429, "slow_down", "1")

    watch.move(seconds=1)
    again = go_on(phone, auth_session, resend="1")

    assert (again.json["auth_session"], again.json["methods"]) == (auth_session, ["otp"])
    second = phone.read_code()
    if first != second:
        assert phone.prove(auth_session, first).json["tries_left"] == 4
    assert phone.prove(auth_session, second).status_code == 200


def test_a_code_is_sent_again_three_times_and_no_more(phone: Phone, watch: Watch) -> None:
    auth_session = phone.ask().json["auth_session"]
    answers = []
    for _ in range(4):
        watch.move(seconds=30)
        answers.append(go_on(phone, auth_session, resend="1"))

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
    assert ["resend_after" in answer.json for answer in answers] == [True, True, False, False]


def test_a_code_may_come_by_whatsapp(phone: Phone, watch: Watch) -> None:
    asked = phone.ask(channel="whatsapp")
    assert asked.json["channel"] == "whatsapp"
    work.send_due(phone.app.extensions["gateways"], watch.now)
    with transaction() as session:
        kept = [message.channel for message in sandbox.kept(session, recipient=PHONE)]

    assert kept == ["whatsapp"]
    assert phone.prove(asked.json["auth_session"], phone.read_code()).status_code == 200
