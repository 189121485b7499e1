"""A merchant's store, and tills that prove themselves by their key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient

from auth import merchants, tokens
from auth.oauth import authenticating, clients
from core import clock
from core.db import transaction

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def pem(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class Till:
    """A till that was added with its key, and signs what it asks."""

    client: FlaskClient
    merchant_id: UUID
    store_id: UUID
    id: str
    key: Key = field(repr=False)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(clock.now().timestamp())
        given = {
            "iss": self.id, "sub": self.id, "aud": f"{tokens.issuer()}/oauth/token", "iat": now, "exp": now + 60,
            "jti": str(uuid4()), **changes,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}

    def assertion(self, *, key: Any = None, algorithm: str | None = None, headers: Any = None, **changes: Any) -> str:
        default = "EdDSA" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "ES256"
        return jwt.encode(self.claims(**changes), key or self.key, algorithm=algorithm or default, headers=headers)

    def ask(self, assertion: str | None = None, **form: str) -> Any:
        given = {
            "grant_type": "client_credentials",
            "client_assertion_type": authenticating.ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **form,
        }
        return self.client.post("/oauth/token", data=given)

    def token(self) -> str:
        answer = self.ask()
        assert answer.status_code == 200, answer.json
        return str(answer.json["access_token"])


def add_till(client: FlaskClient, key: Key | None = None, *, store_id: UUID | None = None) -> Till:
    key, now = key or ed25519.Ed25519PrivateKey.generate(), clock.now()
    with transaction() as session:
        if store_id is None:
            merchant = merchants.add_merchant(session, name="Corner", now=now)
            store_id = merchants.add_store(session, merchant_id=merchant.id, name="High Street", now=now).id
        terminal = merchants.add_terminal(session, store_id=store_id, name="Till 1", public_key=pem(key), now=now)
        place = merchants.till_of(session, terminal.id)
    return Till(client, place.merchant_id, store_id, str(terminal.id), key)


@pytest.fixture
def fresh_clients() -> Iterator[None]:
    """Clients are kept for some seconds, and an id may be another test's."""
    clients.forget_known()
    yield
    clients.forget_known()


@pytest.fixture
def till(app: Flask, fresh_clients: None) -> Till:
    return add_till(app.test_client())
