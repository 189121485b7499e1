"""A client shows itself in one way of four, and in no other than its own (RFC 6749 section 2.3)."""

import base64
from typing import Any

import pytest
from flask import Flask

from tests.auth.conftest import Watch
from tests.auth.oauth.conftest import registered

FORM = {"token": "x"}


def ask(app: Flask, *, header: str | None = None, address: str = "192.0.2.1", **form: str) -> Any:
    headers = {"Authorization": header} if header is not None else {}
    return app.test_client().post(
        "/oauth/revoke", data={**FORM, **form}, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def assert_stranger(answer: Any) -> None:
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="pocketful"'


def test_a_secret_comes_by_the_way_that_was_registered(app: Flask, watch: Watch) -> None:
    by_header, header_secret = registered()
    by_body, body_secret = registered(auth_method="client_secret_post")

    assert ask(app, header=basic(by_header, header_secret)).status_code == 200
    assert ask(app, client_id=by_body, client_secret=body_secret).status_code == 200
    assert_stranger(ask(app, client_id=by_header, client_secret=header_secret))
    assert_stranger(ask(app, header=basic(by_body, body_secret)))


def test_a_confidential_client_does_not_come_as_a_public_one_nor_the_other_way_round(app: Flask, watch: Watch) -> None:
    client_id, secret = registered()

    assert_stranger(ask(app, client_id=client_id))
    assert_stranger(ask(app, header=basic(client_id, "")))
    assert_stranger(ask(app, header=basic("pocketful-app", secret)))
    assert ask(app, client_id="pocketful-app").status_code == 200


def test_an_empty_password_is_a_public_clients(app: Flask, watch: Watch) -> None:
    assert ask(app, header=basic("pocketful-app", "")).status_code == 200
    assert ask(app, header=basic("pocketful-app", ""), client_id="pocketful-app").status_code == 200
    assert_stranger(ask(app, header=basic("pocketful-app", ""), client_id="pocketful-admin"))


def test_two_ways_at_once_are_one_too_many(app: Flask, watch: Watch) -> None:
    client_id, secret = registered()

    for more in ({"client_secret": secret}, {"client_assertion": "x.y.z"}):
        answer = ask(app, header=basic(client_id, secret), **more)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic eA==", "Basic /w==", "Basic é", "Bearer x", "Digest y", ""]
)
def test_a_header_that_cannot_be_read_lets_nobody_in(app: Flask, watch: Watch, header: str) -> None:
    assert_stranger(ask(app, header=header, client_id="pocketful-app"))


def test_a_wrong_secret_lets_nobody_in_and_the_next_ones_wait(app: Flask, watch: Watch) -> None:
    client_id, secret = registered()

    for _ in range(30):
        assert_stranger(ask(app, header=basic(client_id, "wrong")))
    limited = ask(app, header=basic(client_id, "wrong"))

    assert (limited.status_code, limited.json["error"]) == (429, "slow_down")
    assert 0 < int(limited.headers["Retry-After"]) <= 60
    # Nobody is locked out by who guesses: neither from elsewhere nor from the same address.
    assert ask(app, header=basic(client_id, secret)).status_code == 200
    assert_stranger(ask(app, header=basic(client_id, "wrong"), address="192.0.2.2"))
    watch.move(minutes=1)
    assert_stranger(ask(app, header=basic(client_id, "wrong")))


def test_parameters_stand_once_and_in_a_form(app: Flask, watch: Watch) -> None:
    client: Any = app.test_client()
    given = {"client_id": "pocketful-app", "token": "x"}

    refused = {
        "json": client.post("/oauth/revoke", json=given),
        "in the query": client.post("/oauth/revoke?token=x", data=given),
        "twice": client.post("/oauth/revoke", data={**given, "token": ["x", "y"]}),
        "twice, once empty": client.post("/oauth/revoke", data={**given, "token": ["x", ""]}),
        "too many": client.post("/oauth/revoke", data={**given, **{f"more{number}": "x" for number in range(100)}}),
        "none": client.post("/oauth/revoke", data={"token": "x"}),
        "no token": client.post("/oauth/revoke", data={"client_id": "pocketful-app", "token": ""}),
    }

    assert {why: (answer.status_code, answer.json["error"]) for why, answer in refused.items()} == dict.fromkeys(
        refused, (400, "invalid_request")
    )
    large = client.post("/oauth/revoke", data={**given, "more": "x" * 33_000})
    assert (large.status_code, large.json["error"]) == (413, "invalid_request")
