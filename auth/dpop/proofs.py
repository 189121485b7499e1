"""DPoP proofs (RFC 9449): that whoever sends a request holds a key, for this request alone."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from auth.keys import compact, jwk, ring
from auth.keys.jwk import PublicKey
from core import crypto

TYPE = "dpop+jwt"
ALGORITHMS = ("ES256", "EdDSA")

_HEADERS = {"typ", "alg", "jwk"}
_MAX_LENGTH = 4_096
_LONGEST_JTI = 200
#: How far a device's clock may be off.
_SKEW_SECONDS = 60
#: A proof that was made ahead of our clock is good for twice that: it is known as used for longer.
KEPT = timedelta(seconds=2 * _SKEW_SECONDS + 1)


@dataclass(frozen=True, slots=True)
class Proven:
    """jkt: thumbprint of the key; seen: by what the proof is known once it was used, until then"""

    jkt: bytes
    seen: bytes
    until: datetime
    public: PublicKey = field(repr=False)


def read(header: str, *, method: str, path: str, now: datetime, access_token: str | None = None) -> Proven | None:
    """What a proof proves; None whatever is wrong with it. Whether it was used before is `replays`' to say.

    path          of this request, as PUBLIC_URL's host is asked for it
    access_token  that the request is made with, where it comes to a door
    """
    if len(header) > _MAX_LENGTH or not header.isascii():
        return None
    try:
        proof = compact.read(header)
        if set(proof.header) != _HEADERS or proof.header["typ"] != TYPE or proof.header["alg"] not in ALGORITHMS:
            return None
        jkt, public = _key(proof.header["jwk"])
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    claims = proof.claims
    if not (_is_of_now(claims.get("iat"), now) and _is_of(claims, method, path)):
        return None
    if access_token is not None and claims.get("ath") != ath_of(access_token):
        return None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isascii():
        return None
    if not jwk.is_signed_by(public, proof.header["alg"], proof.signed, proof.signature):
        return None
    return Proven(jkt, _seen(jkt, jti), now + KEPT, public)


def ath_of(access_token: str) -> str:
    return jwk.b64url(hashlib.sha256(access_token.encode()).digest())


def _is_of_now(issued_at: Any, now: datetime) -> bool:
    # Bounded first: a number of four hundred digits is none that could be subtracted from a time.
    is_a_time = type(issued_at) is int and 0 <= issued_at < 2**40
    return is_a_time and abs(now.timestamp() - issued_at) <= _SKEW_SECONDS


def _is_of(claims: dict[str, Any], method: str, path: str) -> bool:
    if claims.get("htm") != method or not isinstance(claims.get("htu"), str):
        return False
    try:
        ours, theirs = urlsplit(ring.issuer() + path), urlsplit(claims["htu"])
        hosts = [(one.scheme, one.hostname, one.port or _PORTS.get(one.scheme)) for one in (ours, theirs)]
    except ValueError:
        return False
    if "?" in claims["htu"] or "#" in claims["htu"] or "@" in theirs.netloc:
        return False
    return hosts[0] == hosts[1] and unquote(theirs.path) == ours.path


_PORTS = {"https": 443, "http": 80}


def _key(given: Any) -> tuple[bytes, PublicKey]:
    """raises  AttributeError, KeyError, TypeError, ValueError for what is not a public key that we take"""
    if jwk.SECRETS & given.keys():
        raise ValueError("a private key")
    return _read_key(*(given.get(member) for member in ("kty", "crv", "x", "y")))


@lru_cache(maxsize=10_000)
def _read_key(kty: str, crv: str, x: str, y: str | None) -> tuple[bytes, PublicKey]:
    """An app proves the same key again and again, and to read one takes as long as to check a signature by it."""
    public = jwk.read({"kty": kty, "crv": crv, "x": x, "y": y})
    return jwk.thumbprint(jwk.of(public)), public


def _seen(jkt: bytes, jti: str) -> bytes:
    return crypto.blind_index("auth.dpop.jti", f"{jkt.hex()}|{jti}")
