"""What the tests of auth share: an app's part of signing in, spoken over HTTP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.oauth import pkce
from core import clock
from core.db import transaction
from core.delivery import work
from core.gateways import sandbox

PHONE = "+12125550142"
VERIFIER = "v" * 43
CLIENT = {"client_id": "pocketful-app"}


class Watch:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    with clock.simulated(lambda: watch.now):
        yield watch


@dataclass
class Phone:
    """A telephone: it asks for codes, reads its messages, and keeps its tokens."""

    app: Flask
    client: FlaskClient
    address: str = "192.0.2.1"

    def post(self, path: str, **form: str) -> Any:
        return self.client.post(path, data={**CLIENT, **form}, environ_overrides={"REMOTE_ADDR": self.address})

    def ask(self, number: str = PHONE, **form: str) -> Any:
        proof = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}
        return self.post("/oauth/authorize-challenge", login_hint=number, **{**proof, **form})

    def read_code(self, number: str = PHONE) -> str:
        work.send_due(self.app.extensions["gateways"], clock.now())
        with transaction() as session:
            given = sandbox.kept(session, recipient=number)
        # Messages are sent side by side: the last that was asked for is the one whose id, a UUIDv7, is the latest.
        latest = max(given, key=lambda message: str(message.content["message_id"]))
        found = re.match(r"\d{6}", latest.content["body"])
        assert found
        return found[0]

    def prove(self, auth_session: str, otp: str) -> Any:
        return self.post("/oauth/authorize-challenge", auth_session=auth_session, otp=otp)

    def authorization_code(self, number: str = PHONE) -> str:
        auth_session = self.ask(number).json["auth_session"]
        answer = self.prove(auth_session, self.read_code(number))
        assert answer.status_code == 200, answer.json
        return str(answer.json["authorization_code"])

    def redeem(self, code: str, verifier: str = VERIFIER) -> Any:
        return self.post("/oauth/token", grant_type="authorization_code", code=code, code_verifier=verifier)

    def refresh(self, token: str) -> Any:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token)

    def sign_in(self, number: str = PHONE) -> dict[str, Any]:
        answer = self.redeem(self.authorization_code(number))
        assert answer.status_code == 200, answer.json
        tokens: dict[str, Any] = answer.json
        return tokens


@pytest.fixture
def phone(app: Flask, watch: Watch) -> Phone:
    return Phone(app, app.test_client())
