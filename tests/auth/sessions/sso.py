"""What the tests of Native SSO share: two apps of the brand, on one device."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from auth import tokens
from auth.keys import ring
from auth.oauth import metadata
from auth.sessions.exchanging import DEVICE_SECRET, ID_TOKEN
from tests.auth.conftest import Phone
from tests.auth.partners import client as added

SCOPE = "openid device_sso"
GRANTS = ["authorization_code", "refresh_token", metadata.EXCHANGE_GRANT]
OTHER = "+12125550143"


@pytest.fixture
def second(app: Flask, sweeper: psycopg.Connection) -> Iterator[str]:
    """Another app of the brand's group."""
    with added(
        sweeper, "second-app", kind="app", audience="app", sso_group="brand", grant_types=GRANTS,
        scopes=["openid", "device_sso", "profile"], name="The second app",
    ):  # fmt: skip
        yield "second-app"


def first_app(phone: Phone, number: str = "+12125550142", **more: str) -> dict[str, Any]:
    auth_session = phone.ask(number, scope=SCOPE).json["auth_session"]
    code = phone.prove(auth_session, phone.read_code(number)).json["authorization_code"]
    answer = phone.post(
        "/oauth/token", grant_type="authorization_code", code=code, code_verifier="v" * 43, **more
    )  # fmt: skip
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def exchange(phone: Phone, client_id: str, told: dict[str, Any], /, **changes: str) -> Any:
    given = {
        "grant_type": metadata.EXCHANGE_GRANT,
        "client_id": client_id,
        "audience": tokens.issuer(),
        "subject_token": told["id_token"],
        "subject_token_type": ID_TOKEN,
        "actor_token": told["device_secret"],
        "actor_token_type": DEVICE_SECRET,
        "scope": "openid",
        **changes,
    }
    return phone.client.post("/oauth/token", data={name: value for name, value in given.items() if value})


def me(phone: Phone, told: dict[str, Any]) -> Any:
    return phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {told['access_token']}"})


def claims_of(id_token: str) -> dict[str, Any]:
    part = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def forged(told: dict[str, Any], **changes: Any) -> str:
    """An id token of ours that says something else."""
    claims = {**claims_of(told["id_token"]), **changes}
    return ring.sign({name: value for name, value in claims.items() if value is not None}, typ="JWT", alg="ES256")
