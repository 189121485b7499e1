"""Believing access tokens: their signature is checked once, whether they are revoked each time."""

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from auth.keys import compact, ring
from auth.keys.ring import Key
from auth.tokens import claims as said
from auth.tokens import revocations
from core.errors import Unauthenticated
from core.web.principals import Principal

#: Any other header (a key of the sender's choosing, a critical extension) is refused; none is ever acted upon.
_HEADERS = {"alg", "typ", "kid"}
_MAX_LENGTH = 4_096
#: Some 1,300 bytes each, so 26 MiB of a process.
_CACHE_SIZE = 20_000
#: How far ahead of ours a clock may be that signed a token (another machine's).
_SKEW_SECONDS = 30
#: What a key has signed before it was retired outlives it by so much; all that our own doors issue is over by then.
RETIRED_FOR = timedelta(minutes=20)


class TokenRefused(Unauthenticated):
    code = "token_refused"
    title = "The access token is not valid (any more): refresh it or sign in again"


#: What reading a token that is none may end in.
_BENT = (jwt.InvalidTokenError, ValueError, TypeError, KeyError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Known:
    expires: float
    issued_at: int
    subjects: tuple[str, ...]
    principal: Principal


class _Verified:
    """Tokens whose signature was checked, until they expire: a signature costs four times what the rest does.

    Kept by SHA-256, so that no token that works lies in memory longer than its request.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, _Known] = {}
        self._lock = threading.Lock()

    def find(self, key: bytes, now: float) -> _Known | None:
        found = self._kept.get(key)
        return found if found and now < found.expires else None

    def keep(self, key: bytes, known: _Known, now: float) -> None:
        with self._lock:
            if len(self._kept) >= _CACHE_SIZE:
                # The older half goes at once: to look for the oldest at each token would cost more than a signature.
                alive = [(k, entry) for k, entry in self._kept.items() if now < entry.expires]
                self._kept = dict(alive[-(_CACHE_SIZE // 2) :])
            self._kept[key] = known

    def __len__(self) -> int:
        return len(self._kept)


_verified = _Verified()
#: Our tokens' headers are the same few texts; by the text, the key that it names.
_headers: dict[str, Key] = {}


def forget_verified() -> None:
    """What was checked by keys that may not be believed any more is checked anew."""
    global _verified, _headers
    _verified, _headers = _Verified(), {}


ring.on_change(forget_verified)


def verify(token: str, audience: str, *, now: datetime) -> Principal:
    """Who this token speaks for, at this audience's door.

    raises  TokenRefused, one and the same for whatever is wrong with it
    """
    if len(token) > _MAX_LENGTH or not token.isascii():
        raise TokenRefused
    ring.look()
    key, at = hashlib.sha256(f"{audience} {token}".encode()).digest(), now.timestamp()
    verified = _verified
    known = verified.find(key, at)
    if known is None:
        try:
            known = _checked(token, audience, now)
        except _BENT as error:
            raise TokenRefused from error
        verified.keep(key, known, at)
    if revocations.is_revoked(known.subjects, known.issued_at):
        raise TokenRefused
    return known.principal


def read(token: str, *, now: datetime) -> dict[str, Any] | None:
    """What an access token of ours for any audience says, if it is good: for who asks about tokens."""
    if len(token) > _MAX_LENGTH or not token.isascii():
        return None
    ring.look()
    revocations.look(now)
    try:
        claims, _ = _decoded(token, now, audience=None)
        audience = claims["aud"]
        subjects = said.subjects_of(claims, said.KINDS[audience])
        said.bound_to(claims)
    except _BENT:
        return None
    return None if revocations.is_revoked(subjects, claims["iat"]) else claims


def _checked(token: str, audience: str, now: datetime) -> _Known:
    claims, until = _decoded(token, now, audience=audience)
    principal = said.principal_of(claims, audience)
    return _Known(until, claims["iat"], said.subjects_of(claims, principal.kind), principal)


def _decoded(token: str, now: datetime, *, audience: str | None) -> tuple[dict[str, Any], float]:
    """The claims of a token that is good at this moment, and until when it may be believed."""
    key = _key_of(token.partition(".")[0])
    claims: dict[str, Any] = jwt.decode(
        token,
        key.public,
        algorithms=[ring.ES256],
        audience=audience,
        issuer=ring.issuer(),
        # Times are held against the clock that we were handed.
        options={
            "require": said.REQUIRED,
            "strict_aud": audience is not None,
            "verify_aud": audience is not None,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise ValueError("times are whole seconds")
    until = float(expires)
    if key.retired_at is not None:
        until = min(until, (key.retired_at + RETIRED_FOR).timestamp())
    if not issued - _SKEW_SECONDS <= now.timestamp() < until:
        raise ValueError("not yet, or no longer, valid")
    return claims, until


def _key_of(header: str) -> Key:
    """raises  ValueError, KeyError, TypeError for a header that is not ours"""
    known = _headers
    found = known.get(header)
    if found is None:
        given = compact.read_object(header)
        if set(given) != _HEADERS or (given["typ"], given["alg"]) != (said.TYPE, ring.ES256):
            raise ValueError("not a header of ours")
        found = ring.find(given["kid"]) if isinstance(given["kid"], str) else None
        if found is None or found.alg != ring.ES256:
            raise ValueError("not a key of ours")
        if len(known) < _MOST_HEADERS:
            known[header] = found
    return found


#: A few keys, each spelt in one way: others are read each time.
_MOST_HEADERS = 64
