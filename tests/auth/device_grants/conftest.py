"""Devices that ask for a code, and the people who type it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from flask.testing import FlaskClient

from auth import merchants, tokens
from auth.oauth import metadata
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.auth.device_grants.proofs import Key, proof
from tests.auth.partners import client as added

TILL = "pocketful-till"
TELEVISION = "television"


@dataclass
class Device:
    """A device with a key of its own. It proves it with each request, if it is a till."""

    client: FlaskClient
    client_id: str = TILL
    key: Key | None = field(default_factory=ed25519.Ed25519PrivateKey.generate)
    address: str = "192.0.2.7"

    def _post(self, path: str, **form: str) -> Any:
        headers = {"DPoP": proof(self.key, path)} if self.key else {}
        return self.client.post(
            path, data={"client_id": self.client_id, **form}, headers=headers,
            environ_overrides={"REMOTE_ADDR": self.address},
        )  # fmt: skip

    def ask(self, **form: str) -> Any:
        return self._post("/oauth/device_authorization", **form)

    def poll(self, device_code: str, **form: str) -> Any:
        return self._post("/oauth/token", grant_type=metadata.DEVICE_GRANT, device_code=device_code, **form)


@dataclass
class Person:
    """Somebody of staff with these permissions."""

    client: FlaskClient
    headers: dict[str, str]

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(f"/admin/v1{path}", json=body, headers=self.headers)

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(f"/admin/v1{path}", json=body, headers=self.headers)


@pytest.fixture
def device(app: Flask) -> Device:
    return Device(app.test_client())


@pytest.fixture
def store_id(app: Flask) -> UUID:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner", now=clock.now())
        return merchants.add_store(session, merchant_id=merchant.id, name="High Street", now=clock.now()).id


def person_with(app: Flask, *permissions: str) -> Person:
    who = Principal("staff", ids.new(), permissions=frozenset(permissions))
    token = tokens.mint(who, audience=tokens.ADMIN, client_id="test", now=clock.now())
    return Person(app.test_client(), {"Authorization": f"Bearer {token}"})


@pytest.fixture
def television(app: Flask, sweeper: psycopg.Connection) -> Iterator[Device]:
    grants = [metadata.DEVICE_GRANT, "refresh_token"]
    with added(
        sweeper, TELEVISION, kind="app", audience="app", grant_types=grants, redirect_uris=[], scopes=["openid"],
        name="The big screen",
    ):  # fmt: skip
        yield Device(app.test_client(), TELEVISION, None)
