"""A shop with a till that has a key of its own."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from flask import Flask
from werkzeug.test import TestResponse

from auth import merchants, tokens
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.rewards.conftest import World
from tests.rewards.test_api import Door
from wallet import accounts
from wallet.paying.tills import Till

Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class SigningTill(Door):
    """A till that signs what it sends."""

    key: Private | None = None

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        key: str | None = None,
        seconds: int | None = None,
        signs: dict[str, Any] | None = None,
        header: str | None = None,
    ) -> TestResponse:
        """signs: what is signed in place of what is sent; header: what is sent in place of a signature"""
        key = key if key is not None else str(ids.new())
        at = str(seconds if seconds is not None else int(clock.now().timestamp()))
        told = {"method": method, "path": self.prefix + path, "key": key, "body": body} | (signs or {})
        digest = hashlib.sha256(told["body"]).hexdigest()
        signature = self.sign("\n".join([at, told["method"], told["path"], told["key"], digest]))
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"} if key else {}
        headers["Terminal-Signature"] = f"t={at},v1={signature}" if header is None else header
        return self.app.test_client().open(self.prefix + path, method=method, data=body, headers=self.headers | headers)

    def sign(self, text: str) -> str:
        assert self.key is not None
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return base64.b64encode(self.key.sign(text.encode())).decode()
        return base64.b64encode(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))).decode()


@pytest.fixture(params=[ed25519.Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())])
def signing(app: Flask, request: pytest.FixtureRequest) -> SigningTill:
    return signing_till(app, request.param())


def signing_till(app: Flask, key: Private, *, time_zone: str | None = None) -> SigningTill:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=clock.now())
        store = merchants.add_store(
            session, merchant_id=merchant.id, name="Main Street", time_zone=time_zone, now=clock.now()
        )
        pem = key.public_key().public_bytes(*form).decode()
        terminal = merchants.add_terminal(session, store_id=store.id, name="1", public_key=pem, now=clock.now())
        accounts.open_all(session, [accounts.of_merchant(merchant.id, "USD")])
    principal = Principal("terminal", terminal.id, merchant_id=merchant.id, store_id=store.id)
    return SigningTill(app, "/merchant/v1", tokens.MERCHANT, principal, key=key)


def world_of(till: Door) -> World:
    who = till.principal
    assert who.merchant_id and who.store_id
    return World(Till(merchant_id=who.merchant_id, store_id=who.store_id, terminal_id=who.id))
