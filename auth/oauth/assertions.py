"""private_key_jwt: a client shows itself by a short text that it signs (RFC 7523; OpenID Connect Core section 9)."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import OKPAlgorithm
from sqlalchemy.dialects.postgresql import insert

from auth import tokens
from auth.dpop.models import ProofSeen
from auth.oauth import clients
from auth.oauth.clients import Client
from auth.oauth.errors import OAuthError, invalid_client
from core import crypto
from core.db import transaction

#: From its `iat` on, an assertion is good for so long, whatever `exp` it names: libraries name an hour (Authlib) or a
#: minute (openid-client).
_GOOD_FOR = timedelta(minutes=5)
#: How far ahead of ours the client's clock may be.
_SKEW = timedelta(seconds=60)
_LONGEST, _LONGEST_JTI, _MOST_AUDIENCES = 8_192, 200, 10
#: A header that would have us take a key from the sender, or understand what we do not, is refused unread.
_HEADERS = {"alg", "typ", "kid"}

# RFC 9864 calls Ed25519 by its name, and oauth4webapi does; PyJWT knows it by the older name alone.
_verifier = jwt.PyJWS(algorithms=["ES256", "RS256", "PS256", "EdDSA"])
_verifier.register_algorithm("Ed25519", OKPAlgorithm())


def verify(assertion: str, *, endpoint: str, now: datetime) -> Client:
    """The client that signed this assertion, for us, just now, and has not sent it before.

    endpoint  the path that is asked: an assertion may be meant for it, for the token endpoint or for the issuer
    raises    OAuthError invalid_client; until the signature is right, one and the same for whatever is wrong
    effects   keeps that it was seen
    """
    if len(assertion) > _LONGEST or not assertion.isascii():
        raise _refused()
    try:
        header = jwt.get_unverified_header(assertion)
        claimed = _claims(_verifier.decode_complete(assertion, options={"verify_signature": False})["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _refused() from error
    client = _client_of(claimed)
    if not set(header) <= _HEADERS or client is None or not any(_is_signed(assertion, client, header)):
        raise _refused()

    issued_at = _checked(claimed, endpoint, now)
    _take(client, claimed["jti"], issued_at)
    return client


def _client_of(claimed: Mapping[str, Any]) -> Client | None:
    name = claimed.get("sub")
    if not isinstance(name, str) or claimed.get("iss") != name:
        return None
    client = clients.find(name)
    is_meant = client is not None and client.is_active and client.auth_method == clients.PRIVATE_KEY
    return client if is_meant else None


def _is_signed(assertion: str, client: Client, header: Mapping[str, Any]) -> Iterator[bool]:
    """Of each key of the client's that may be meant, whether it signed this: the one that is named, or all."""
    named = header.get("kid")
    for given in (client.key_set or {}).get("keys", []):
        if named is not None and given.get("kid") is not None and given["kid"] != named:
            continue
        try:
            key = jwt.PyJWK(dict(given)).key
            options: Any = {"enforce_minimum_key_length": True}
            _verifier.decode_complete(assertion, key, algorithms=_algorithms_of(key), options=options)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        yield True


def _algorithms_of(key: object) -> list[str]:
    """By the key and not by what the assertion says: so no public key is ever taken for a shared secret."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ["ES256"]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ["EdDSA", "Ed25519"]
    if isinstance(key, rsa.RSAPublicKey):
        return ["RS256", "PS256"]
    raise ValueError("no key that signs")


def _checked(claimed: Mapping[str, Any], endpoint: str, now: datetime) -> datetime:
    """When the assertion was issued.

    raises  OAuthError
    """
    audiences = claimed.get("aud")
    audiences = [audiences] if isinstance(audiences, str) else audiences
    if not isinstance(audiences, list) or len(audiences) > _MOST_AUDIENCES:
        raise invalid_client("An assertion names its aud")
    issuer = tokens.issuer()
    ours = {issuer, f"{issuer}/", f"{issuer}/oauth/token", f"{issuer}{endpoint}"}
    if not any(isinstance(audience, str) and audience in ours for audience in audiences):
        raise invalid_client("This assertion is meant for somebody else: its aud is our issuer or token endpoint")
    issued, expires = _seconds(claimed, "iat"), _seconds(claimed, "exp")
    if not _seconds(claimed, "nbf", default=issued) <= (now + _SKEW).timestamp() or not now.timestamp() < expires:
        raise invalid_client("This assertion is not yet, or no longer, valid")
    if not (now - _GOOD_FOR).timestamp() <= issued <= (now + _SKEW).timestamp():
        raise invalid_client(f"An assertion is issued (iat) within the last {_GOOD_FOR.seconds // 60} minutes")
    jti = claimed.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isascii():
        raise invalid_client(f"An assertion has a jti of 1 to {_LONGEST_JTI} ASCII characters")
    return datetime.fromtimestamp(issued, UTC)


def _seconds(claimed: Mapping[str, Any], name: str, *, default: float | None = None) -> float:
    value = claimed.get(name, default)
    # Also not a bool, which is an int in Python, and no number that is none.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise invalid_client(f"An assertion has an {name}, in seconds")
    return value


def _take(client: Client, jti: str, issued_at: datetime) -> None:
    """raises  OAuthError for an assertion that was here before"""
    proof = crypto.blind_index("auth.client_assertion", f"{client.client_id} {jti}")
    row = insert(ProofSeen).values(proof=proof, until=issued_at + _GOOD_FOR + _SKEW).on_conflict_do_nothing()
    with transaction() as session:
        is_new = session.execute(row.returning(ProofSeen.until)).first() is not None
    if not is_new:
        raise invalid_client("This assertion was used before: each request has one of its own (jti)")


def _claims(payload: Any) -> dict[str, Any]:
    claims = json.loads(payload)
    if not isinstance(claims, dict):
        raise ValueError("claims are an object")
    return claims


def _refused() -> OAuthError:
    return invalid_client("This assertion does not prove a client of ours")
