"""A till shows itself by what it signs: whose, for whom, when, and only once."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask
from joserfc.jwk import OKPKey
from sqlalchemy import text

from auth import tokens
from core import clock
from core.db import transaction
from tests.auth.conftest import Watch
from tests.auth.in_process import InProcess
from tests.auth.places.conftest import Till, add_till, pem


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())])
def test_a_till_comes_in_by_its_key(app: Flask, fresh_clients: None, make: Any) -> None:
    till = add_till(app.test_client(), make())

    answer = till.ask()

    assert answer.status_code == 200, answer.json
    principal = tokens.verify(answer.json["access_token"], tokens.MERCHANT, now=clock.now())
    assert (principal.kind, principal.id) == ("terminal", UUID(till.id))
    assert (principal.merchant_id, principal.store_id) == (till.merchant_id, till.store_id)
    assert answer.json["expires_in"] == 300 and "refresh_token" not in answer.json


def test_the_name_that_rfc_9864_has_for_the_algorithm_is_understood(till: Till) -> None:
    signed = till.assertion().split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "Ed25519"}).encode()).decode().rstrip("=")
    assert isinstance(till.key, ed25519.Ed25519PrivateKey)
    signature = till.key.sign(f"{header}.{signed[1]}".encode())

    answer = till.ask(f"{header}.{signed[1]}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")

    assert answer.status_code == 200, answer.json


def test_an_assertion_works_once(till: Till) -> None:
    assertion = till.assertion()
    assert till.ask(assertion).status_code == 200

    again = till.ask(assertion)

    assert (again.status_code, again.json["error"]) == (401, "invalid_client")
    assert "used before" in again.json["error_description"]


def test_two_tills_may_use_the_same_jti(till: Till, app: Flask) -> None:
    other = add_till(app.test_client(), store_id=till.store_id)

    assert till.ask(till.assertion(jti="1")).status_code == 200
    assert other.ask(other.assertion(jti="1")).status_code == 200


@pytest.mark.parametrize(
    "audience", ["{issuer}", "{issuer}/", "{issuer}/oauth/token", ["https://elsewhere.example", "{issuer}"]]
)
def test_an_assertion_is_meant_for_us(till: Till, audience: Any) -> None:
    meant = json.loads(json.dumps(audience).replace("{issuer}", tokens.issuer()))

    assert till.ask(till.assertion(aud=meant)).status_code == 200


@pytest.mark.parametrize(
    "audience", ["https://elsewhere.example", "{issuer}/oauth/revoke", "{issuer}.example", [], None, 7, {"a": 1}, [7]]
)
def test_an_assertion_for_somebody_else_is_refused(till: Till, audience: Any) -> None:
    meant = json.loads(json.dumps(audience).replace("{issuer}", tokens.issuer()))

    answer = till.ask(till.assertion(aud=meant))

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"iat": -300}, 200), ({"iat": -301}, 401), ({"iat": 60}, 200), ({"iat": 61}, 401),
        ({"exp": 1}, 200), ({"exp": 0}, 401), ({"exp": 3_600}, 200),
        ({"nbf": 60}, 200), ({"nbf": 61}, 401),
    ],
)  # fmt: skip
def test_an_assertion_is_good_for_five_minutes(till: Till, watch: Watch, changes: dict[str, int], status: int) -> None:
    now = int(watch.now.timestamp())

    answer = till.ask(till.assertion(**{name: now + seconds for name, seconds in changes.items()}))

    assert answer.status_code == status, answer.json


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": None}, {"exp": None}, {"jti": None}, {"jti": ""}, {"jti": "x" * 201}, {"jti": "ü"}, {"jti": 7},
        {"iat": "1"}, {"exp": True}, {"exp": 1e300}, {"iss": None}, {"sub": None}, {"iss": str(uuid4())},
        {"sub": str(uuid4()), "iss": str(uuid4())}, {"sub": "pocketful-app", "iss": "pocketful-app"},
    ],
)  # fmt: skip
def test_an_assertion_that_lacks_something_is_refused(till: Till, changes: dict[str, Any]) -> None:
    claims = {**till.claims(), **changes}
    sent = {name: value for name, value in claims.items() if value is not None}
    try:
        assertion = jwt.encode(sent, till.key, algorithm="EdDSA")
    except TypeError:  # PyJWT makes no iss that is no text
        pytest.skip("this cannot be made")

    answer = till.ask(assertion)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_what_another_key_signed_is_refused(till: Till, app: Flask) -> None:
    other = add_till(app.test_client())

    for key in (ed25519.Ed25519PrivateKey.generate(), other.key):
        assert till.ask(till.assertion(key=key)).status_code == 401


def test_the_public_key_is_no_shared_secret(till: Till) -> None:
    header, payload = (_b64(part) for part in ({"alg": "HS256", "typ": "JWT"}, till.claims()))
    for secret in (
        pem(till.key).encode(),
        till.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
    ):
        signature = hmac.new(secret, f"{header}.{payload}".encode(), hashlib.sha256).digest()
        sent = f"{header}.{payload}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        assert till.ask(sent).status_code == 401


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None"}, {"alg": ""}, {}])
def test_an_unsigned_assertion_is_refused(till: Till, header: dict[str, str]) -> None:
    assert till.ask(f"{_b64(header)}.{_b64(till.claims())}.").status_code == 401


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_a_header_that_brings_its_own_key_is_refused(till: Till, name: str) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    value: Any = {
        "jwk": jwt.algorithms.OKPAlgorithm.to_jwk(own.public_key(), as_dict=True), "crit": ["exp"], "x5c": ["AA=="],
    }.get(name, "https://evil.example/keys")  # fmt: skip

    assert till.ask(till.assertion(key=own, headers={name: value})).status_code == 401
    assert till.ask(till.assertion(headers={name: value})).status_code == 401


@pytest.mark.parametrize(
    "assertion",
    ["x", "a.b.c", "..", "é.é.é", "x" * 9_000, f"{'e30'}.{'W10'}.AA", "e30.InNvbWUi.AA", "bnVsbA.bnVsbA.AA"],
)
def test_what_is_no_assertion_is_refused(till: Till, assertion: str) -> None:
    answer = till.ask(assertion)

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_deeply_nested_assertion_is_refused(till: Till) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")

    assert till.ask(f"{_b64({'alg': 'EdDSA'})}.{nested}.AA").status_code == 401


def test_the_type_of_the_assertion_is_named(till: Till) -> None:
    assert till.ask(client_assertion_type="urn:else").json["error"] == "invalid_request"
    assert till.ask(client_id=str(uuid4())).status_code == 401
    assert till.ask(client_id=till.id).status_code == 200


def test_a_till_does_not_come_in_by_its_name_alone(till: Till) -> None:
    answer = till.client.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": till.id})

    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_of_an_assertion_nothing_is_kept_but_its_hmac(till: Till) -> None:
    till.ask(till.assertion(jti="canary-jti"))

    with transaction() as session:
        kept = session.execute(text("SELECT proof FROM auth.proof_seen")).scalars().all()
    assert len(kept) == 1 and b"canary" not in bytes(kept[0])


def test_authlibs_own_client_comes_in(till: Till, app: Flask) -> None:
    assert isinstance(till.key, ed25519.Ed25519PrivateKey)
    private = till.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with OAuth2Session(till.id, OKPKey.import_key(private), token_endpoint_auth_method="private_key_jwt") as client:
        client.mount("http://", InProcess(app))
        client.register_client_auth_method(PrivateKeyJWT(alg="Ed25519"))

        client.fetch_token(f"{tokens.issuer()}/oauth/token", grant_type="client_credentials")
        answer = client.get(f"{tokens.issuer()}/merchant/v1/store-code")

    assert answer.status_code == 200, answer.text


def _b64(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
