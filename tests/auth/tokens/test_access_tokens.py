"""Access tokens: what lets somebody in, and every forgery that does not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask.testing import FlaskClient

from auth import tokens
from auth.staff import roles
from auth.tokens import ADMIN, APP, MERCHANT, TokenRefused, verifying
from core import clock
from core.settings import Settings
from core.web.principals import Principal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CLIENT = "pocketful-app"
CUSTOMER = Principal(kind="customer", id=uuid4(), client_id=CLIENT)
STAFF = Principal(kind="staff", id=uuid4(), permissions=frozenset({"campaigns:write"}), client_id=CLIENT)
TERMINAL = Principal(kind="terminal", id=uuid4(), merchant_id=uuid4(), store_id=uuid4(), client_id=CLIENT)
OURS = {CUSTOMER.kind: APP, STAFF.kind: ADMIN, TERMINAL.kind: MERCHANT}


@pytest.fixture(autouse=True)
def _key() -> None:
    tokens.load_key(Settings(environment="test"))


def mint(principal: Principal = CUSTOMER, now: datetime = NOW) -> str:
    return tokens.mint(principal, audience=OURS[principal.kind], client_id=CLIENT, now=now)


def signing_key() -> ec.EllipticCurvePrivateKey:
    scalar = int.from_bytes(base64.b64decode(Settings().token_signing_key))
    return ec.derive_private_key(scalar, ec.SECP256R1())


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def resigned(*, headers: dict[str, Any] | None = None, key: Any = None, algorithm: str = "ES256", **claims: Any) -> str:
    """One of our own tokens, changed and signed anew with our key, so that only the change can be what is refused."""
    token = mint()
    body = {name: value for name, value in {**claims_of(token), **claims}.items() if value is not None}
    header = {**jwt.get_unverified_header(token), **(headers or {})}
    header.pop("alg")
    header = {name: value for name, value in header.items() if value is not None}
    return jwt.api_jws.PyJWS().encode(
        json.dumps(body).encode(), key or signing_key(), algorithm=algorithm, headers={"typ": None, **header}
    )


def refused(token: str, audience: str = APP, now: datetime = NOW) -> bool:
    try:
        tokens.verify(token, audience, now=now)
    except TokenRefused:
        return True
    return False


@pytest.mark.parametrize("principal", [CUSTOMER, STAFF, TERMINAL], ids=lambda principal: principal.kind)
def test_a_token_speaks_for_whom_it_was_minted(principal: Principal) -> None:
    assert tokens.verify(mint(principal), OURS[principal.kind], now=NOW) == principal


def test_an_access_token_says_what_rfc_9068_asks() -> None:
    token = mint()

    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = claims_of(token)
    assert set(claims) == {"iss", "aud", "sub", "client_id", "jti", "iat", "exp"}
    assert (claims["aud"], claims["sub"], claims["exp"] - claims["iat"]) == ("app", str(CUSTOMER.id), 600)


def test_a_persons_token_says_their_roles_and_what_they_may_beside_them() -> None:
    permissions = roles.permissions_of(["admin", "finance"], ["reports.draw"])
    person = Principal(
        kind="staff",
        id=uuid4(),
        permissions=permissions,
        roles=frozenset({"admin", "finance"}),
        client_id=CLIENT,
        session_id=uuid4(),
        family_id=uuid4(),
        auth_time=int(NOW.timestamp()),
        acr="phr",
    )
    token = mint(person)

    claims = claims_of(token)
    assert (claims["roles"], claims["permissions"]) == (["admin", "finance"], ["reports.draw"])
    assert tokens.verify(token, ADMIN, now=NOW) == person
    assert len(token) < 1_500


def test_a_role_that_is_not_known_gives_nothing() -> None:
    person = Principal(kind="staff", id=uuid4(), roles=frozenset({"emperor"}))

    assert tokens.verify(mint(person), ADMIN, now=NOW).permissions == frozenset()


def test_the_published_keys_verify_our_tokens() -> None:
    published = jwt.PyJWKSet.from_dict(tokens.key_set()).keys[0]
    token = mint()

    assert published.key_id == jwt.get_unverified_header(token)["kid"]
    assert jwt.decode(token, published.key, ["ES256"], audience="app", options={"verify_exp": False})
    assert "d" not in tokens.key_set()["keys"][0]


def test_a_token_works_to_the_end_of_its_last_second() -> None:
    token = mint()

    assert not refused(token, now=NOW + timedelta(minutes=10, milliseconds=-1))
    assert refused(token, now=NOW + timedelta(minutes=10))


def test_a_token_that_was_let_in_before_still_expires() -> None:
    token = mint(STAFF)
    tokens.verify(token, ADMIN, now=NOW)

    assert not refused(token, ADMIN, now=NOW + timedelta(minutes=5, seconds=-1))
    assert refused(token, ADMIN, now=NOW + timedelta(minutes=5))


def test_a_token_of_the_future_is_refused_beyond_the_skew() -> None:
    assert not refused(mint(now=NOW + timedelta(seconds=30)))
    assert refused(mint(now=NOW + timedelta(seconds=31)))


@pytest.mark.parametrize("principal", [CUSTOMER, STAFF, TERMINAL], ids=lambda principal: principal.kind)
def test_a_token_opens_no_other_door(principal: Principal) -> None:
    token = mint(principal)
    tokens.verify(token, OURS[principal.kind], now=NOW)

    assert [refused(token, door) for door in (APP, ADMIN, MERCHANT)].count(False) == 1


def test_a_principal_gets_no_token_for_another_ones_door() -> None:
    with pytest.raises(ValueError):
        tokens.mint(CUSTOMER, audience=ADMIN, client_id="x", now=NOW)


def test_our_own_resigned_token_is_taken() -> None:
    """What the forgeries below start from works; each is refused for its one change."""
    assert not refused(resigned())


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": None},
        {"aud": ["app", "admin"]},
        {"aud": ["app"]},
        {"exp": None},
        {"exp": "never"},
        {"exp": 4e12},
        {"exp": True},
        {"iat": None},
        {"iat": "0"},
        {"sub": None},
        {"sub": "somebody"},
        {"client_id": None},
        {"jti": None},
    ],
    ids=str,
)
def test_claims_that_are_not_ours_are_refused(change: dict[str, Any]) -> None:
    assert refused(resigned(**change))


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "id_token"},
        {"kid": None},
        {"kid": "../../etc/passwd"},
        {"crit": ["exp"]},
        {"jku": "https://elsewhere.example/jwks.json"},
        {"x5u": "https://elsewhere.example/cert.pem"},
        {"jwk": {"kty": "EC", "crv": "P-256"}},
        {"b64": False},
    ],
    ids=str,
)
def test_headers_that_are_not_ours_are_refused(headers: dict[str, Any]) -> None:
    try:
        token = resigned(headers=headers)
    except jwt.InvalidTokenError:
        token = hand_made({**jwt.get_unverified_header(mint()), **headers}, sign_es256)
    assert refused(token)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def hand_made(header: dict[str, Any], sign: Any) -> str:
    signing_input = f"{part(header)}.{part(claims_of(mint()))}"
    signature = sign(signing_input.encode())
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def sign_es256(data: bytes) -> bytes:
    return jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(data, signing_key())


def test_no_algorithm_but_ours_is_taken() -> None:
    header = jwt.get_unverified_header(mint())
    public = signing_key().public_key()
    spellings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ]

    for none in ("none", "None", "NONE", ""):
        assert refused(hand_made({**header, "alg": none}, lambda _: b""))
    for key in spellings:
        assert refused(hand_made({**header, "alg": "HS256"}, lambda data, key=key: hmac.digest(key, data, "sha256")))
    assert refused(resigned(key=rsa.generate_private_key(65537, 2048), algorithm="RS256"))
    assert refused(resigned(key=ec.generate_private_key(ec.SECP256R1())))
    assert refused(resigned(key=ec.generate_private_key(ec.SECP384R1()), algorithm="ES384"))
    assert not refused(hand_made(header, sign_es256))


def test_a_changed_token_is_refused_even_after_the_true_one_was_let_in() -> None:
    token = mint()
    tokens.verify(token, APP, now=NOW)
    head, body, signature = token.split(".")
    other = part({**claims_of(token), "sub": str(uuid4())})

    for forged in (
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{'A' * len(signature)}",
        token + ".",
        "",
        "☃",
        "a" * 10_000,
        "....",
    ):
        assert refused(forged)


def test_the_cache_of_verified_tokens_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_CACHE_SIZE", 10)
    for _ in range(25):
        tokens.verify(mint(), APP, now=NOW)

    assert len(verifying._verified) <= 10


def test_a_full_cache_forgets_the_older_half_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_CACHE_SIZE", 10)
    monkeypatch.setattr(verifying, "_verified", verifying._Verified())
    minted = [mint() for _ in range(11)]
    known = [tokens.verify(token, APP, now=NOW) for token in minted]

    assert len(verifying._verified) == 6
    again = [tokens.verify(token, APP, now=NOW) is first for token, first in zip(minted[5:], known[5:], strict=True)]
    assert all(again)
    assert tokens.verify(minted[0], APP, now=NOW) is not known[0]


def test_a_token_verifies_again_without_its_signature_being_checked_twice() -> None:
    token = mint()
    first = tokens.verify(token, APP, now=NOW)

    assert tokens.verify(token, APP, now=NOW) is first


def test_the_key_id_is_the_keys_own_thumbprint() -> None:
    key = tokens.key_set()["keys"][0]
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'

    digest = hashlib.sha256(canonical.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_doors_take_a_bearer_token_in_the_header_alone(client: FlaskClient) -> None:
    token = mint(now=clock.now())
    refused_headers = [{}, {"Authorization": token}, {"Authorization": f"DPoP {token}"}, {"Authorization": "Bearer "}]

    for headers in refused_headers:
        answer = client.get(f"/app/v1/me?access_token={token}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].split()[0] in ("Bearer", "DPoP")
    stranger = client.get("/app/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert stranger.status_code == 404  # a good token of a customer who is not there
    forged = client.get("/app/v1/me", headers={"Authorization": f"Bearer {token[:-4]}AAAA"})
    assert (forged.status_code, forged.json["code"]) == (401, "token_refused")


def test_the_documents_of_the_sign_in_door_fit_its_issuer(client: FlaskClient) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").json

    assert metadata["issuer"] == Settings().public_url
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert client.get(metadata["jwks_uri"].removeprefix(metadata["issuer"])).json == tokens.key_set()
    for name in ("token_endpoint", "authorization_challenge_endpoint", "revocation_endpoint"):
        assert client.post(metadata[name].removeprefix(metadata["issuer"])).status_code == 400
