"""Forged tokens at every door: each is refused, and with one and the same answer, so that nobody learns by trying."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from flask.testing import FlaskClient

from auth import tokens
from auth.keys import ring, rotating
from auth.keys.ring import Ring
from core import clock
from core.db import transaction
from core.settings import Settings
from core.web.principals import Principal

DOORS = {
    tokens.APP: "/app/v1/me",
    tokens.ADMIN: "/admin/v1/signing-keys",
    tokens.MERCHANT: "/merchant/v1/settlements",
    tokens.PARTNER: "/oauth/userinfo",
}


@dataclass
class Forger:
    """Whoever has a good token of a door, knows all that is public, and signs with what keys they can make."""

    audience: str
    token: str
    own: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def claims(self) -> dict[str, Any]:
        found: dict[str, Any] = jwt.decode(self.token, options={"verify_signature": False})
        return found

    @property
    def header(self) -> dict[str, Any]:
        return jwt.get_unverified_header(self.token)

    def made(self, sign: Callable[[bytes], bytes], claims: dict[str, Any] | bytes | None = None, **header: Any) -> str:
        head = {name: value for name, value in {**self.header, **header}.items() if value is not None}
        body = claims if isinstance(claims, bytes) else json.dumps(self.claims if claims is None else claims).encode()
        signed = f"{b64(json.dumps(head).encode())}.{b64(body)}"
        return f"{signed}.{b64(sign(signed.encode()))}"

    def by_own_key(self, data: bytes) -> bytes:
        return _ES256.sign(data, self.own)

    def own_jwk(self) -> dict[str, Any]:
        found: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self.own.public_key(), as_dict=True)
        return found


_ES256 = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)


def by_ours(data: bytes) -> bytes:
    """What only we can: so that nothing but the change is what a token is refused for."""
    return _ES256.sign(data, ring.own().private)  # type: ignore[arg-type]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture(params=list(DOORS))
def forger(request: pytest.FixtureRequest, app: Flask) -> Iterator[Forger]:
    rotating.open_ring(clock.now())
    yield Forger(request.param, minted(request.param))
    tokens.load_key(Settings(environment="test"))


def minted(audience: str, **more: Any) -> str:
    principals = {
        tokens.APP: Principal("customer", uuid4()),
        tokens.ADMIN: Principal("staff", uuid4(), permissions=frozenset({"keys.read"})),
        tokens.MERCHANT: Principal("terminal", uuid4(), merchant_id=uuid4(), store_id=uuid4()),
        tokens.PARTNER: Principal("customer", uuid4(), family_id=uuid4()),
    }
    subject = "pairwise" if audience == tokens.PARTNER else None
    return tokens.mint(
        principals[audience], audience=audience, client_id="a-client", now=clock.now(), subject=subject, **more
    )


def answer_of(client: FlaskClient, audience: str, token: str) -> tuple[int, Any]:
    answer = client.get(DOORS[audience], headers={"Authorization": f"Bearer {token}"})
    told = answer.json if answer.is_json else {}
    return answer.status_code, (told.get("code") or told.get("error"), sorted(told), told.get("detail"))


def others_of(forger: Forger) -> list[str]:
    """The audiences that have no business there. Userinfo is for whoever may ask, by their token's scope."""
    return [] if forger.audience == tokens.PARTNER else [other for other in DOORS if other != forger.audience]


def all_alike(client: FlaskClient, forger: Forger, forged: dict[str, str]) -> None:
    first = answer_of(client, forger.audience, forger.token[:-4] + "AAAA")
    assert first[0] == 401
    for name, token in forged.items():
        assert answer_of(client, forger.audience, token) == first, name


def test_what_the_forgers_start_from_is_let_in(client: FlaskClient, forger: Forger) -> None:
    status, (code, *_) = answer_of(client, forger.audience, forger.made(by_ours))

    # A good token of a customer who is not there is told so, or that its sign-in is over.
    if forger.audience == tokens.PARTNER:
        assert tokens.read(forger.made(by_ours), now=clock.now())
    else:
        assert status in (200, 404), code


def test_algorithms_of_the_senders_choosing(client: FlaskClient, forger: Forger) -> None:
    public = ring.own().public
    formats = serialization.Encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    keys = {
        "PEM": public.public_bytes(formats[0].PEM, formats[1]),
        "DER": public.public_bytes(formats[0].DER, formats[1]),
        "JWK": json.dumps(tokens.key_set()["keys"][0]).encode(),
        "kid": ring.own().kid.encode(),
        "nothing": b"",
    }
    forged = {f"none as {none!r}": forger.made(lambda _: b"", alg=none) for none in ("none", "None", "NONE", "nOnE")}
    for name, key in keys.items():
        for bits in (256, 384, 512):
            sign = hmac_of(key, f"sha{bits}")
            forged[f"HS{bits} with our {name}"] = forger.made(sign, alg=f"HS{bits}")
    rsa_key = rsa.generate_private_key(65537, 2048)
    forged["RS256"] = jwt.encode(forger.claims, rsa_key, "RS256", headers={"typ": "at+jwt", "kid": ring.own().kid})
    big = ec.generate_private_key(ec.SECP384R1())
    forged["ES384"] = jwt.encode(forger.claims, big, "ES384", headers={"typ": "at+jwt", "kid": ring.own().kid})
    forged["no alg"] = forger.made(by_ours, alg=None)
    forged["alg as a list"] = forger.made(by_ours, alg=["ES256"])
    # Ours, but the other algorithm's: id_tokens of partners are signed by it.
    forged["our RS256 key"] = ring.sign(forger.claims, typ="at+jwt", alg="RS256")

    all_alike(client, forger, forged)


def hmac_of(key: bytes, digest: str) -> Callable[[bytes], bytes]:
    return lambda data: hmac.digest(key, data, digest)


def test_keys_of_the_senders_choosing(client: FlaskClient, forger: Forger) -> None:
    sign, own = forger.by_own_key, forger.own_jwk()
    own_kid = b64(hashlib.sha256(json.dumps(own).encode()).digest())
    kids = [own_kid, "../../../dev/null", "/dev/null", "' OR 1=1 --", "https://elsewhere.example/key", "", "a" * 2_000]
    forged = {
        "another key": forger.made(sign),
        "jwk": forger.made(sign, jwk=own),
        "jwk and its kid": forger.made(sign, jwk=own, kid=own_kid),
        "jku": forger.made(sign, jku="https://elsewhere.example/jwks.json"),
        "x5u": forger.made(sign, x5u="https://elsewhere.example/cert.pem"),
        "x5c": forger.made(sign, x5c=["MIIB"]),
        **{f"kid {kid[:20]!r}": forger.made(sign, kid=kid) for kid in kids},
        **{f"our signature, kid {kid[:20]!r}": forger.made(by_ours, kid=kid) for kid in kids},
        "kid as a number": forger.made(by_ours, kid=1),
        "kid as an object": forger.made(by_ours, kid={"kid": ring.own().kid}),
        "no kid": forger.made(by_ours, kid=None),
        # Named as the current key's, signed by the next one.
        "our signature and a jwk": forger.made(by_ours, jwk=own),
        "our signature and a jku": forger.made(by_ours, jku="https://elsewhere.example/jwks.json"),
    }

    all_alike(client, forger, forged)


def test_headers_that_are_not_ours(client: FlaskClient, forger: Forger) -> None:
    changes: list[dict[str, Any]] = [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": None},
        {"typ": 1},
        {"nonce": "x"},
    ]

    all_alike(client, forger, {str(change): forger.made(by_ours, **change) for change in changes})


def test_claims_that_are_not_ours(client: FlaskClient, forger: Forger) -> None:
    claims, now = forger.claims, int(clock.now().timestamp())
    changes: list[dict[str, Any]] = [
        *({"aud": other} for other in others_of(forger)),
        {"aud": [forger.audience]},
        {"aud": list(DOORS)},
        {"aud": {forger.audience: True}},
        {"aud": None},
        {"aud": ""},
        {"iss": claims["iss"] + "/"},
        {"iss": "https://elsewhere.example"},
        {"iss": [claims["iss"]]},
        {"iss": None},
        {"exp": now},
        {"exp": now - 1},
        {"exp": now + 60.5},
        {"exp": str(now + 60)},
        {"exp": True},
        {"exp": -(2**70)},
        {"exp": 10**400},
        {"exp": None},
        {"iat": now + 35},
        {"iat": now - 0.5},
        {"iat": 2**70},
        {"iat": None},
        {"client_id": None},
        {"jti": None},
        {"cnf": {}},
        {"cnf": {"jkt": "short"}},
        {"cnf": {"jkt": 5}},
        {"cnf": "x"},
        {"cnf": None},
        {"sub": None},
    ]
    if forger.audience != tokens.PARTNER:
        changes += [{"sub": "nobody"}, {"sub": ""}, {"sub": 5}, {"sid": "x"}, {"fam": "x"}, {"auth_time": "x"}]
    forged = {}
    for change in changes:
        kept = {name: value for name, value in {**claims, **change}.items() if value is not None or name == "cnf"}
        forged[str(change)] = forger.made(by_ours, kept)

    all_alike(client, forger, forged)


def test_tokens_of_ours_that_are_no_access_tokens_of_this_door(client: FlaskClient, forger: Forger) -> None:
    now = clock.now()
    claims = {"iss": ring.issuer(), "sub": str(uuid4()), "iat": int(now.timestamp()), "exp": int(now.timestamp()) + 600}
    forged = {
        f"of the door {other}": minted(other) for other in others_of(forger)
    } | {
        "an id_token": ring.sign({**claims, "aud": "a-client"}, typ="JWT"),
        "an id_token for the door": ring.sign({**forger.claims, "nonce": "x"}, typ="JWT"),
        "a logout token": ring.sign({**claims, "aud": "a-client", "events": {}}, typ="logout+jwt"),
        "a refresh token": "pf_rt_" + "A" * 91,
        "a device secret": b64(b"s" * 32),
    }  # fmt: skip

    all_alike(client, forger, forged)


def test_bits_flipped_in_each_part(client: FlaskClient, forger: Forger) -> None:
    forged = {}
    for number, part in enumerate(forger.token.split(".")):
        for place in (0, len(part) // 2, len(part) - 2):
            parts = forger.token.split(".")
            parts[number] = part[:place] + ("A" if part[place] != "A" else "B") + part[place + 1 :]
            forged[f"part {number} at {place}"] = ".".join(parts)

    all_alike(client, forger, forged)


def test_what_can_hardly_be_read(client: FlaskClient, forger: Forger) -> None:
    head, body, signature = forger.token.split(".")
    claims = json.dumps(forger.claims)
    doubled = json.dumps(forger.header)[:-1] + ', "kid": "x"}'
    forged = {
        "two parts": f"{head}.{body}",
        "no signature": f"{head}.{body}.",
        "four parts": f"{forger.token}.{signature}",
        "five parts": f"{forger.token}.{signature}.{signature}",
        "dots": "....",
        "a blank inside": f"{head}. {body}.{signature}",
        "padded": f"{head}=.{body}.{signature}",
        "5 KB": "a" * 5_000,
        "5 KB that we signed": forger.made(by_ours, {**forger.claims, "x": "a" * 5_000}),
        "JSON that nests": f"{head}.{b64(b'[' * 2_000)}.{signature}",
        "a list that we signed": forger.made(by_ours, b"[]"),
        "no JSON that we signed": forger.made(by_ours, b"claims"),
        "no UTF-8 that we signed": forger.made(by_ours, b"\xff\xfe"),
        "a header with doubled members": sign_parts(doubled, claims),
        "a JSON serialization": json.dumps({"payload": body, "protected": head, "signature": signature}),
        "standard base64": f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}+",
    }

    all_alike(client, forger, forged)


def sign_parts(header: str, claims: str) -> str:
    signed = f"{b64(header.encode())}.{b64(claims.encode())}"
    return f"{signed}.{b64(by_ours(signed.encode()))}"


def test_a_signature_is_64_bytes_and_not_der(client: FlaskClient, forger: Forger) -> None:
    from cryptography.hazmat.primitives import hashes

    private = ring.own().private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    forged = {
        "DER": forger.made(lambda data: private.sign(data, ec.ECDSA(hashes.SHA256()))),
        "zeros": forger.made(lambda _: bytes(64)),
        "r and s of 1": forger.made(lambda _: (1).to_bytes(32) * 2),
        "one byte more": forger.made(lambda data: by_ours(data) + b"\0"),
    }

    all_alike(client, forger, forged)


def test_a_retired_key_after_twenty_minutes(client: FlaskClient, forger: Forger) -> None:
    """By a thief who has it, with whatever times they like."""
    with transaction() as session:
        rotating.rotate(session, actor="operator", at_once=True, now=clock.now())
    ours = ring._current()
    long_ago = {
        kid: replace(key, retired_at=key.retired_at and key.retired_at - timedelta(minutes=20))
        for kid, key in ours.believed.items()
    }
    ring.put(Ring(ours.signing, long_ago))
    now = int(clock.now().timestamp())
    forged = {
        "of now": forger.made(by_ours),
        "of back then": forger.made(by_ours, {**forger.claims, "iat": now - 3_000, "exp": now + 3_000}),
    }

    all_alike(client, forger, forged)
    assert answer_of(client, forger.audience, minted(forger.audience))[1][0] != "token_refused"


def test_a_token_is_taken_from_the_header_alone(client: FlaskClient, forger: Forger) -> None:
    path, token = DOORS[forger.audience], forger.token

    ways = [
        client.get(f"{path}?access_token={token}"),
        client.get(path, headers={"Cookie": f"access_token={token}; session={token}"}),
        client.get(path, headers={"Authorization": token}),
        client.get(path, headers={"Authorization": f"Basic {b64(token.encode())}"}),
        client.get(path, headers={"X-Authorization": f"Bearer {token}"}),
        client.open(path, method="GET", data={"access_token": token}),
    ]

    assert {answer.status_code for answer in ways} == {401}
