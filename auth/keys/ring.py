"""The keys that this process signs with and believes.

A ring is swapped whole, never changed, so that whoever reads it needs no lock. The key of the setting is on it from
the start; those of the table join it when `refresh` reads them, and again every half minute for as long as it is used.
"""

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy.exc import SQLAlchemyError

from auth.keys import jwk
from core.errors import ConfigurationError, Refusal
from core.settings import Settings

log = logging.getLogger("auth.keys")

ES256, RS256 = "ES256", "RS256"
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Key:
    """private: None for a key that signs no more; retired_at: None while it is current or the next one"""

    kid: str
    alg: str
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    private: PrivateKey | None = field(repr=False, compare=False)
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """signing: by algorithm; believed: all that are published, by their kid"""

    signing: Mapping[str, Key]
    believed: Mapping[str, Key]


class NoKey(Exception):
    """There is no key of this algorithm (yet)."""


_issuer = ""
_own: Key | None = None
_ring: Ring | None = None
#: Told when the ring is another one: what was checked by the keys of the former may not hold any more.
_listeners: list[Callable[[], None]] = []

#: How long a process goes by what it read of the table, and how soon it may look again for a key that it does not know.
_KEPT_SECONDS, _UNKNOWN_SECONDS = 30.0, 5.0
_read_at: float | None = None
_reading = threading.Lock()
_read: Callable[[], Ring] | None = None


def load(settings: Settings) -> None:
    """Begin with the setting's key alone.

    raises  ConfigurationError when the key is no scalar of P-256
    """
    global _issuer, _own, _read, _read_at
    scalar = int.from_bytes(base64.b64decode(settings.token_signing_key))
    try:
        private = ec.derive_private_key(scalar, ec.SECP256R1())
    except ValueError as error:
        raise ConfigurationError("TOKEN_SIGNING_KEY is not the scalar of a P-256 key") from error
    _issuer = settings.public_url.rstrip("/")
    _own = Key(jwk.kid_of(private.public_key()), ES256, private.public_key(), private)
    _read = _read_at = None
    put(Ring({ES256: _own}, {_own.kid: _own}))


def own() -> Key:
    """The key of the setting."""
    if _own is None:
        raise RuntimeError("load(settings) comes before any token is minted or verified")
    return _own


def issuer() -> str:
    own()
    return _issuer


def put(ring: Ring) -> None:
    global _ring
    if ring != _ring:
        _ring = ring
        for tell in _listeners:
            tell()


def on_change(tell: Callable[[], None]) -> None:
    _listeners.append(tell)


def follow(read: Callable[[], Ring]) -> None:
    """From now on go by what this reads, every half minute.

    effects  reads it at once
    """
    global _read, _read_at
    put(read())
    _read, _read_at = read, time.monotonic()


def follow_later(read: Callable[[], Ring]) -> None:
    """The same for a process that may have started before its schema was there: until it is, the setting's key does."""
    global _read, _read_at
    _read, _read_at = read, float("-inf")


def sign(claims: Mapping[str, Any], *, typ: str, alg: str = ES256) -> str:
    """A compact JWS by the current key.

    raises  NoKey
    """
    key = _kept_fresh(_KEPT_SECONDS).signing.get(alg)
    if key is None or key.private is None:
        raise NoKey(alg)
    # By hand: what PyJWT's `encode` does beside the signature took nearly as long as that (measured), at each refresh.
    said = b"%b.%b" % (_head_of(typ, alg, key.kid), _segment(claims))
    return (b"%b.%b" % (said, _base64url(_signature(key.private, said)))).decode()


def _signature(private: PrivateKey, said: bytes) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(said, _PADDING, _SHA256)
    r, s = decode_dss_signature(private.sign(said, _ECDSA))
    return r.to_bytes(32) + s.to_bytes(32)


_SHA256, _PADDING = hashes.SHA256(), padding.PKCS1v15()
_ECDSA = ec.ECDSA(_SHA256)


@lru_cache(maxsize=100)
def _head_of(typ: str, alg: str, kid: str) -> bytes:
    return _segment({"alg": alg, "kid": kid, "typ": typ})


_in_short = json.JSONEncoder(separators=(",", ":")).encode


def _segment(members: Mapping[str, Any]) -> bytes:
    return _base64url(_in_short(dict(members)).encode())


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def look() -> None:
    """Read the table again where half a minute has gone by: who signs nothing hears of withdrawn keys by this."""
    _kept_fresh(_KEPT_SECONDS)


def reread() -> None:
    """Read the table again now, where this process goes by it."""
    if _read is not None:
        follow(_read)


def find_here(kid: str) -> Key | None:
    """A key that this process knows of already."""
    return _current().believed.get(kid)


def find(kid: str) -> Key | None:
    """A key that is or was ours; retired ones are known for as long as they are published."""
    found = _kept_fresh(_KEPT_SECONDS).believed.get(kid)
    return found or _kept_fresh(_UNKNOWN_SECONDS).believed.get(kid)


def public(kid: str) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None:
    found = find(kid)
    return found.public if found else None


def key_set() -> dict[str, Any]:
    """The JWK set that our tokens verify against (RFC 7517)."""
    known = _kept_fresh(_KEPT_SECONDS).believed.values()
    return {"keys": [{**jwk.of(key.public), "kid": key.kid, "alg": key.alg, "use": "sig"} for key in known]}


def _current() -> Ring:
    if _ring is None:
        raise RuntimeError("load(settings) comes before any token is minted or verified")
    return _ring


def _kept_fresh(seconds: float) -> Ring:
    """The ring, read anew where it is older and nobody else is at it."""
    global _read_at
    if _read is None or _read_at is None or time.monotonic() - _read_at < seconds:
        return _current()
    if _reading.acquire(blocking=False):
        try:
            _read_at = time.monotonic()
            put(_read())
        # The database is away, or its schema behind: what was known half a minute ago still holds.
        except (Refusal, SQLAlchemyError) as error:
            log.warning("the signing keys could not be read again", extra={"because": type(error).__name__})
        finally:
            _reading.release()
    return _current()
