"""Signing in over HTTP: the number, the code, the tokens."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from auth import customers
from auth.models import Customer
from auth.native.models import SignIn
from auth.oauth import pkce
from core.crypto import DataKey
from core.db import transaction
from core.events.log import EventRow
from tests.auth.conftest import CLIENT, PHONE, VERIFIER, Phone, Watch
from tests.suspending import suspend


def count(model: Any) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def event_names() -> list[str]:
    with transaction() as session:
        return list(session.scalars(select(EventRow.name).order_by(EventRow.id)))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_phone_number_and_its_code_sign_a_customer_in(phone: Phone) -> None:
    asked = phone.ask()

    assert asked.status_code == 400
    assert asked.json["error"] == "insufficient_authorization"
    assert asked.headers["Cache-Control"] == "no-store"
    proved = phone.prove(asked.json["auth_session"], phone.read_code())
    assert proved.status_code == 200
    granted = phone.redeem(proved.json["authorization_code"])
    assert granted.status_code == 200
    assert granted.headers["Cache-Control"] == "no-store"
    assert (granted.json["token_type"], granted.json["expires_in"]) == ("Bearer", 600)
    me = phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {granted.json['access_token']}"})
    assert me.json["phone"] == PHONE


def test_the_first_right_code_signs_up_and_later_ones_do_not(phone: Phone) -> None:
    phone.ask()
    assert count(Customer) == 0

    phone.sign_in()
    phone.sign_in()

    assert count(Customer) == 1
    assert [name for name in event_names() if name.startswith("customer.")] == [
        "customer.signed_up",
        "customer.signed_in",
        "customer.signed_in",
    ]


def test_known_and_unknown_numbers_get_the_same_answer(phone: Phone) -> None:
    phone.sign_in()

    known, unknown = phone.ask(PHONE), phone.ask("+12125550143")

    bodies = known.json, unknown.json
    handles = [body.pop("auth_session") for body in bodies]
    assert bodies[0] == bodies[1]
    assert len(handles[0]) == len(handles[1])
    assert (known.status_code, set(known.headers.keys())) == (unknown.status_code, set(unknown.headers.keys()))


def test_no_event_says_that_an_attempt_to_sign_in_is_a_customer(phone: Phone) -> None:
    phone.ask()
    phone.read_code()

    with transaction() as session:
        assert session.execute(select(EventRow.name, EventRow.customer_id, EventRow.subject_id)).all() == [
            ("message.sent", None, None)
        ]


def test_one_number_in_any_spelling_is_one_customer(phone: Phone) -> None:
    phone.sign_in("+12125550142")
    asked = phone.ask("+1 (212) 555-0142")

    assert phone.prove(asked.json["auth_session"], phone.read_code("+12125550142")).status_code == 200
    assert count(Customer) == 1


def test_a_wrong_code_says_how_many_tries_are_left(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    code = phone.read_code()

    answer = phone.prove(auth_session, wrong(code))

    assert (answer.status_code, answer.json["error"]) == (400, "insufficient_authorization")
    assert (answer.json["auth_session"], answer.json["tries_left"]) == (auth_session, 4)
    assert phone.prove(auth_session, code).status_code == 200


def test_the_fifth_wrong_code_ends_the_attempt(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    code = phone.read_code()

    answers = [phone.prove(auth_session, wrong(code)).json["error"] for _ in range(5)]

    assert answers == ["insufficient_authorization"] * 4 + ["invalid_session"]
    assert phone.prove(auth_session, code).json["error"] == "invalid_session"
    assert count(Customer) == 0


def test_a_code_works_until_its_fifth_minute_is_over(phone: Phone, watch: Watch) -> None:
    auth_session, late = phone.ask().json["auth_session"], phone.ask("+12125550143").json["auth_session"]
    code, late_code = phone.read_code(), phone.read_code("+12125550143")

    watch.move(minutes=5, milliseconds=-1)
    assert phone.prove(auth_session, code).status_code == 200
    watch.move(milliseconds=1)
    assert phone.prove(late, late_code).json["error"] == "invalid_session"


def test_a_code_that_was_proved_does_not_work_twice(phone: Phone) -> None:
    auth_session = phone.ask().json["auth_session"]
    code = phone.read_code()
    assert phone.prove(auth_session, code).status_code == 200

    assert phone.prove(auth_session, code).json["error"] == "invalid_session"


def test_the_code_of_one_attempt_does_not_work_in_another(phone: Phone) -> None:
    first = phone.ask().json["auth_session"]
    code = phone.read_code()
    phone.ask()
    second_code = phone.read_code()

    if code != second_code:
        assert phone.prove(first, second_code).json["error"] == "insufficient_authorization"
    assert phone.prove(first, code).status_code == 200


def test_nothing_at_rest_tells_a_number_or_a_code(phone: Phone) -> None:
    tokens = phone.sign_in()
    auth_session = phone.ask().json["auth_session"]
    code = phone.read_code()

    with transaction() as session:
        session.execute(text("DELETE FROM core.sandbox_message"))  # the provider's memory, not ours
        dump = "".join(
            str(row[0])
            for table in ("auth.customer", "auth.sign_in", "auth.token_family", "core.message", "core.event")
            for row in session.execute(text(f"SELECT t::text FROM {table} t"))
        )

    for secret in (PHONE, PHONE[1:], auth_session, tokens["refresh_token"], PHONE.encode().hex()):
        assert secret not in dump
    assert code.encode().hex() not in dump


def test_a_suspended_customer_cannot_sign_in(phone: Phone) -> None:
    phone.sign_in()
    with transaction() as session:
        customer_id = customers.by_phone(session, PHONE)
        assert customer_id
        suspend(session, customer_id)

    auth_session = phone.ask().json["auth_session"]

    assert phone.prove(auth_session, phone.read_code()).json["error"] == "access_denied"


def test_requests_that_cannot_be_read_get_oauths_own_error(phone: Phone, client: FlaskClient) -> None:
    challenge = pkce.challenge_of(VERIFIER)
    bad = {
        "no number": phone.post("/oauth/authorize-challenge", code_challenge=challenge, code_challenge_method="S256"),
        "no country": phone.ask("2125550142"),
        "too short": phone.ask("+1212555"),
        "an extension": phone.ask("+12125550142;ext=5"),
        "a NUL": phone.ask("+1212555\0142"),
        "another script": phone.ask("+१२१२५५५०१४२"),
        "no pkce": phone.ask(code_challenge=""),
        "plain pkce": phone.ask(code_challenge_method="plain"),
        "a short challenge": phone.ask(code_challenge="abc"),
        "no code": phone.post("/oauth/authorize-challenge", auth_session="x"),
        "json": client.post("/oauth/token", json={**CLIENT, "grant_type": "refresh_token"}),
        "in the query": client.post("/oauth/token?client_id=pocketful-app&grant_type=refresh_token"),
        "twice": client.post("/oauth/token", data={**CLIENT, "grant_type": ["refresh_token", "refresh_token"]}),
        "no grant type": phone.post("/oauth/token"),
        "no refresh token": phone.post("/oauth/token", grant_type="refresh_token"),
    }

    for name, answer in bad.items():
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), name
        assert answer.headers["Cache-Control"] == "no-store", name
    assert phone.post("/oauth/token", grant_type="password").json["error"] == "unsupported_grant_type"
    assert count(SignIn) == 0


@pytest.mark.parametrize("path", ["/oauth/authorize-challenge", "/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_wrong_method_gets_oauths_own_error(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.content_type) == (405, "application/json")
    assert answer.json == {"error": "invalid_request", "error_description": "Send a POST"}
    assert "POST" in answer.headers["Allow"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_method_elsewhere_gets_a_problem(client: FlaskClient) -> None:
    for path in ("/.well-known/jwks.json", "/app/v1/me"):
        answer = client.delete(path)
        assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
        assert answer.content_type == "application/problem+json"


def test_only_clients_that_we_know_may_ask(client: FlaskClient) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}

    for client_id in ("someone", "x" * 500, "pocketful-app ", "☃"):
        answer = client.post("/oauth/token", data={**form, "client_id": client_id})
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), client_id
    with_secret = client.post("/oauth/token", data={**form, **CLIENT}, headers={"Authorization": "Basic YTpi"})
    assert (with_secret.status_code, with_secret.json["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in with_secret.headers


def test_an_attempt_that_is_over_is_forgotten_with_its_data_key(phone: Phone, watch: Watch) -> None:
    from auth.work import sweep

    phone.ask()
    watch.move(hours=24, seconds=-1)
    sweep(watch.now)
    assert (count(SignIn), count(DataKey)) == (1, 1)

    watch.move(seconds=1)
    sweep(watch.now)

    assert (count(SignIn), count(DataKey)) == (0, 0)
