"""What a DPoP proof has to be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jwk as second_jwk
from joserfc import jwt as second_jwt

from auth import tokens
from auth.dpop import proofs
from auth.dpop.proofs import Proven
from auth.keys import jwk
from core import crypto
from core.settings import Settings
from tests.auth.dpop.prover import Prover

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATH = "/app/v1/me"
URL = Settings().public_url + PATH


@pytest.fixture(autouse=True)
def _keys() -> None:
    settings = Settings(environment="test")
    crypto.load_keys(settings)
    tokens.load_key(settings)


@pytest.fixture(scope="module")
def prover() -> Prover:
    return Prover()


def read(proof: str, **given: Any) -> Proven | None:
    return proofs.read(proof, **{"method": "GET", "path": PATH, "now": NOW, **given})


def test_a_proof_proves_its_key(prover: Prover) -> None:
    proven = read(prover.proof("GET", PATH, now=NOW))

    assert proven and proven.jkt == prover.jkt


def test_an_ed25519_key_is_as_good() -> None:
    prover = Prover(ed25519.Ed25519PrivateKey.generate())

    proven = read(prover.proof("GET", PATH, now=NOW))

    assert proven and proven.jkt == prover.jkt


def test_the_thumbprint_is_the_one_of_rfc_7638(prover: Prover) -> None:
    assert jwk.b64url(prover.jkt) == second_jwk.ECKey.import_key(prover.jwk).thumbprint()


def test_another_stacks_proof_is_taken() -> None:
    key = second_jwk.ECKey.generate_key("P-256")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {"jti": "1", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp())}

    proven = read(second_jwt.encode(header, claims, key))

    assert proven and jwk.b64url(proven.jkt) == key.thumbprint()


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "POST"},
        {"htm": "get"},
        {"htm": None},
        {"htu": "https://elsewhere.example" + PATH},
        {"htu": URL + "/more"},
        {"htu": URL + "/"},
        {"htu": URL.replace("http:", "https:")},
        {"htu": URL + "?a=b"},
        {"htu": URL + "#a"},
        {"htu": URL.replace("://", "://me@")},
        {"htu": URL.replace(":8000", ":8001")},
        {"htu": "http://[::1"},
        {"htu": URL.replace(":8000", ":x")},
        {"htu": [URL]},
        {"htu": None},
        {"iat": int(NOW.timestamp()) + 61},
        {"iat": int(NOW.timestamp()) - 61},
        {"iat": NOW.timestamp() + 0.5},
        {"iat": str(int(NOW.timestamp()))},
        {"iat": True},
        {"iat": 2**70},
        {"iat": 10**400},
        {"iat": -(10**400)},
        {"iat": None},
        {"jti": ""},
        {"jti": "a" * 201},
        {"jti": 1},
        {"jti": "\ud800"},
        {"jti": None},
    ],
    ids=str,
)
def test_a_proof_of_another_request_or_time_proves_nothing(prover: Prover, claims: dict[str, Any]) -> None:
    proof = prover.proof("GET", PATH, **{"now": NOW, **{n: v for n, v in claims.items() if v is not None}})
    if None in claims.values():
        proof = without(prover, *claims)

    assert read(proof) is None


def without(prover: Prover, name: str) -> str:
    import jwt

    claims = {"jti": "1", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp())}
    del claims[name]
    return jwt.encode(claims, prover.key, prover.alg, headers={"typ": "dpop+jwt", "jwk": prover.jwk})


@pytest.mark.parametrize(
    "claims",
    [
        {"htu": URL.upper().replace(PATH.upper(), PATH)},
        {"iat": int(NOW.timestamp()) + 60},
        {"iat": int(NOW.timestamp()) - 60},
        {"jti": "a" * 200},
        {"nonce": "which we did not ask for"},
    ],
    ids=str,
)
def test_what_is_just_good_enough(prover: Prover, claims: dict[str, Any]) -> None:
    assert read(prover.proof("GET", PATH, **{"now": NOW, **claims}))


def private(prover: Prover) -> dict[str, Any]:
    assert isinstance(prover.key, ec.EllipticCurvePrivateKey)
    return {**prover.jwk, "d": jwk.b64url(prover.key.private_numbers().private_value.to_bytes(32))}


def test_a_key_that_tells_its_secret_proves_nothing(prover: Prover) -> None:
    assert read(prover.proof("GET", PATH, now=NOW))  # it is known, and its secret is looked for all the same
    assert read(prover.proof("GET", PATH, now=NOW, header={"jwk": private(prover)})) is None


def test_the_headers_of_a_proof_are_three(prover: Prover) -> None:
    another = Prover()
    changes: list[dict[str, Any]] = [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": "DPOP+JWT"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "a key of yours"},
        {"jku": "https://elsewhere.example/jwks.json"},
        {"x5c": ["MIIB"]},
        {"jwk": another.jwk},
        {"jwk": {}},
        {"jwk": []},
        {"jwk": "key"},
        {"jwk": {**prover.jwk, "x": prover.jwk["y"]}},
        {"jwk": {**prover.jwk, "x": prover.jwk["x"] + "="}},
        {"jwk": {**prover.jwk, "crv": "P-384"}},
        {"jwk": {**prover.jwk, "x": 5}},
        {"jwk": {**prover.jwk, "kty": []}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": prover.jwk["x"]}},
        {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
    ]
    for change in changes:
        assert read(prover.proof("GET", PATH, now=NOW, header=change)) is None, change


def test_bent_proofs_prove_nothing(prover: Prover) -> None:
    proof = prover.proof("GET", PATH, now=NOW)
    head, body, signature = proof.split(".")

    for bent in (
        "",
        "a",
        "..",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}.{'A' * len(signature)}",
        f"{proof}, {proof}",
        proof + ".",
        proof + "\n",
        "☃" + proof,
        "a" * 5_000,
        jwk.b64url(b"[" * 3_000) + "." + body + "." + signature,
        jwk.b64url(b'{"typ":"dpop+jwt","typ":"dpop+jwt"}') + "." + body + "." + signature,
        jwk.b64url(b"[]") + "." + body + "." + signature,
        jwk.b64url(b"\xff\xfe") + "." + body + "." + signature,
    ):
        assert read(bent) is None, bent[:80]


def test_with_a_token_the_proof_has_to_be_of_that_token(prover: Prover) -> None:
    assert read(prover.proof("GET", PATH, now=NOW, access_token="one"), access_token="one")
    assert read(prover.proof("GET", PATH, now=NOW, access_token="another"), access_token="one") is None
    assert read(prover.proof("GET", PATH, now=NOW), access_token="one") is None


def test_a_proof_is_known_by_its_key_and_its_jti(prover: Prover) -> None:
    first = read(prover.proof("GET", PATH, now=NOW, jti="1"))
    again = read(prover.proof("GET", PATH, now=NOW, jti="1", nonce="x"))
    other = read(prover.proof("GET", PATH, now=NOW, jti="2"))
    anothers = read(Prover().proof("GET", PATH, now=NOW, jti="1"))

    assert first and again and other and anothers
    assert first.seen == again.seen
    assert len({first.seen, other.seen, anothers.seen}) == 3
    assert first.until > NOW + timedelta(seconds=120)  # made a minute ahead, it is good for two
