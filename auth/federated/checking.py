"""Believing an id_token of Apple's or Google's: its signature, for whom it is, and the nonce that we gave.

Who it is about is known by issuer and subject alone: an e-mail address passes from hand to hand.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from auth.federated import providers
from auth.federated.providers import Provider
from auth.keys import jwk
from core import crypto

MAX_LENGTH = 8_192
_LONGEST_SUBJECT = 255
#: How far a provider's clock may be ahead of ours.
SKEW_SECONDS = 60


#: What reading a token that is none may end in.
BENT = (jwt.InvalidTokenError, ValueError, TypeError, KeyError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who somebody is at a provider.

    client_id  of ours, which the token was made for
    email      what the provider says that it has checked
    """

    provider: str
    client_id: str
    subject_index: bytes
    email: str | None = field(repr=False)

    def written(self) -> str:
        """As text, for who seals it until the rest of a sign-in is done."""
        return json.dumps([self.provider, self.client_id, self.subject_index.hex(), self.email])

    @classmethod
    def read(cls, text: str) -> "Claimed":
        provider, client_id, subject_index, email = json.loads(text)
        return cls(provider, client_id, bytes.fromhex(subject_index), email)


@dataclass(frozen=True, slots=True)
class Verified:
    """A good token, of which it remains to see whether it answers to our nonce."""

    claimed: Claimed
    nonce: str = field(repr=False)


def verify(provider: str, id_token: str, *, now: datetime) -> Verified | None:
    """What a token says, but for its nonce; None whatever is wrong with it. It may ask the provider for its keys, so
    that no transaction may be open.

    raises  KeysUnavailable
    """
    known = providers.find(provider)
    if known is None or len(id_token) > MAX_LENGTH or not id_token.isascii():
        return None
    try:
        return _verified(known, id_token, now)
    except BENT:
        return None


def answers(verified: Verified, nonce: bytes) -> bool:
    """Whether a token was made for this nonce: as it is spelt, or the SHA-256 of that, which Apple's SDKs are given."""
    spelt = spell(nonce)
    hashed = hashlib.sha256(spelt.encode()).hexdigest()
    given = verified.nonce.encode()
    return any(hmac.compare_digest(given, text.encode()) for text in (spelt, hashed, hashed.upper()))


def check(provider: str, id_token: str, *, nonce: bytes, now: datetime) -> Claimed | None:
    """Both at once.

    raises  KeysUnavailable
    """
    verified = verify(provider, id_token, now=now)
    return verified.claimed if verified and answers(verified, nonce) else None


def spell(nonce: bytes) -> str:
    """A nonce as apps are given it."""
    return jwk.b64url(nonce)


def _verified(provider: Provider, id_token: str, now: datetime) -> Verified:
    claims = signed(provider, id_token, require=("sub", "iat", "exp", "nonce"))
    subject, nonce = claims["sub"], claims["nonce"]
    if claims.get("azp", claims["aud"]) not in provider.client_ids:
        raise ValueError("asked for by others")
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
        raise ValueError("times are whole seconds")
    if not claims["iat"] - SKEW_SECONDS <= now.timestamp() < claims["exp"]:
        raise ValueError("not yet, or no longer, valid")
    if not isinstance(nonce, str) or not nonce.isascii():
        raise ValueError("no answer to a nonce")
    return Verified(Claimed(provider.name, claims["aud"], index_of(provider, subject), _email_of(claims)), nonce)


def signed(provider: Provider, token: str, *, require: Sequence[str]) -> dict[str, Any]:
    """What the provider says in a JWT of theirs that is meant for us; times remain to be looked at.

    raises  what PyJWT does, ValueError, TypeError, KeyError, RecursionError for what is not theirs or not for us
    """
    header = jwt.get_unverified_header(token)
    if header["alg"] != "RS256" or "crit" in header or not isinstance(header.get("kid"), str):
        raise ValueError("not a header of theirs")
    key = provider.keys.find(header["kid"])
    if key is None:
        raise ValueError("not a key of theirs")
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        options={
            "require": ["iss", "aud", *require],
            # Held against our own ids, and the clock that we were handed.
            "verify_aud": False,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    audience = claims["aud"]
    if claims["iss"] not in provider.issuers or not isinstance(audience, str) or audience not in provider.client_ids:
        raise ValueError("of others, or for others")
    return claims


def index_of(provider: Provider, subject: Any) -> bytes:
    """By what we know somebody at a provider.

    raises  ValueError
    """
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise ValueError("about nobody")
    return crypto.blind_index("auth.identity", f"{provider.issuers[0]}|{subject}")


def _email_of(claims: dict[str, Any]) -> str | None:
    """Apple says "true" where Google says true."""
    email = claims.get("email")
    is_checked = claims.get("email_verified") in (True, "true")
    return email if is_checked and isinstance(email, str) and email.isprintable() and len(email) <= 254 else None
