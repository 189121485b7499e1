"""Access tokens (RFC 9068): short-lived JWTs, signed with ES256, that the doors verify without asking the database."""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from core.errors import ConfigurationError, Unauthenticated
from core.settings import Settings
from core.web.principals import Principal

APP, ADMIN, MERCHANT = "app", "admin", "merchant"

#: Who each audience's tokens are for, and how long they are good.
_KINDS: dict[str, Any] = {APP: "customer", ADMIN: "staff", MERCHANT: "terminal"}
TTLS = {APP: timedelta(minutes=10), ADMIN: timedelta(minutes=5), MERCHANT: timedelta(minutes=5)}

_CLAIMS = ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"]
#: Any other header (a key of the sender's choosing, a critical extension) is refused; none is ever acted upon.
_HEADERS = {"alg", "typ", "kid"}
_MAX_LENGTH = 4_096
#: Some 700 bytes each, so 20 MiB of a process.
_CACHE_SIZE = 30_000
#: How far ahead of ours a clock may be that signed a token (another machine's).
_SKEW_SECONDS = 30


class TokenRefused(Unauthenticated):
    code = "token_refused"
    title = "The access token is not valid (any more): refresh it or sign in again"


@dataclass(frozen=True, slots=True)
class _Signer:
    issuer: str
    key: ec.EllipticCurvePrivateKey
    public: ec.EllipticCurvePublicKey
    kid: str


class _Verified:
    """Tokens whose signature was checked, until they expire: a signature costs four times what the rest does.

    Kept by SHA-256, so that no token that works lies in memory longer than its request.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[int, Principal]] = {}
        self._lock = threading.Lock()

    def find(self, key: bytes, now: datetime) -> Principal | None:
        found = self._kept.get(key)
        return found[1] if found and now.timestamp() < found[0] else None

    def keep(self, key: bytes, expires: int, principal: Principal, now: datetime) -> None:
        with self._lock:
            if len(self._kept) >= _CACHE_SIZE:
                # The older half goes at once: to look for the oldest at each token would cost more than a signature.
                alive = [(k, entry) for k, entry in self._kept.items() if now.timestamp() < entry[0]]
                self._kept = dict(alive[-(_CACHE_SIZE // 2) :])
            self._kept[key] = (expires, principal)

    def __len__(self) -> int:
        return len(self._kept)


_signer: _Signer | None = None
_verified = _Verified()


def load_key(settings: Settings) -> None:
    """raises  ConfigurationError when the key is no scalar of P-256"""
    global _signer, _verified
    scalar = int.from_bytes(base64.b64decode(settings.token_signing_key))
    try:
        key = ec.derive_private_key(scalar, ec.SECP256R1())
    except ValueError as error:
        raise ConfigurationError("TOKEN_SIGNING_KEY is not the scalar of a P-256 key") from error
    public = key.public_key()
    _signer = _Signer(settings.public_url.rstrip("/"), key, public, _thumbprint(public))
    _verified = _Verified()


def issuer() -> str:
    return _loaded().issuer


def key_set() -> dict[str, Any]:
    """The JWK set that our tokens verify against (RFC 7517)."""
    signer = _loaded()
    return {"keys": [{**_jwk(signer.public), "kid": signer.kid, "alg": "ES256", "use": "sig"}]}


def mint(principal: Principal, *, audience: str, client_id: str, now: datetime, ttl: timedelta | None = None) -> str:
    """An access token for this principal, good for its audience's door alone.

    units  ttl: the audience's own when not given
    """
    if _KINDS[audience] != principal.kind:
        raise ValueError(f"a {principal.kind} has no business at the door {audience}")
    signer = _loaded()
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": signer.issuer,
        "aud": audience,
        "sub": str(principal.id),
        "client_id": client_id,
        "jti": str(uuid4()),
        "iat": issued,
        "exp": issued + int((ttl or TTLS[audience]).total_seconds()),
    }
    if principal.kind == "staff":
        claims["permissions"] = sorted(principal.permissions)
    if principal.kind == "terminal":
        claims |= {"merchant_id": str(principal.merchant_id), "store_id": str(principal.store_id)}
    return jwt.encode(claims, signer.key, algorithm="ES256", headers={"typ": "at+jwt", "kid": signer.kid})


def verify(token: str, audience: str, *, now: datetime) -> Principal:
    """Who this token speaks for, at this audience's door.

    raises  TokenRefused, one and the same for whatever is wrong with it
    """
    if len(token) > _MAX_LENGTH or not token.isascii():
        raise TokenRefused
    key = hashlib.sha256(f"{audience} {token}".encode()).digest()
    known = _verified.find(key, now)
    if known is not None:
        return known

    try:
        claims = _checked(token, audience, now)
        principal = _principal_of(claims, audience)
    except (jwt.InvalidTokenError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused from error

    _verified.keep(key, claims["exp"], principal, now)
    return principal


def _checked(token: str, audience: str, now: datetime) -> dict[str, Any]:
    signer = _loaded()
    # Read once, header and all: to look at the header first took a quarter of the whole (measured).
    found = jwt.decode_complete(
        token,
        signer.public,
        algorithms=["ES256"],
        audience=audience,
        issuer=signer.issuer,
        # Times are held against the clock that we were handed.
        options={"require": _CLAIMS, "strict_aud": True, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    header: dict[str, Any] = found["header"]
    claims: dict[str, Any] = found["payload"]
    if set(header) != _HEADERS or header["typ"] != "at+jwt" or header["kid"] != signer.kid:
        raise ValueError("not a header of ours")
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise ValueError("times are whole seconds")
    if not issued - _SKEW_SECONDS <= now.timestamp() < expires:
        raise ValueError("not yet, or no longer, valid")
    return claims


def _principal_of(claims: dict[str, Any], audience: str) -> Principal:
    is_terminal = audience == MERCHANT
    return Principal(
        kind=_KINDS[audience],
        id=UUID(claims["sub"]),
        permissions=frozenset(claims["permissions"]) if audience == ADMIN else frozenset(),
        merchant_id=UUID(claims["merchant_id"]) if is_terminal else None,
        store_id=UUID(claims["store_id"]) if is_terminal else None,
    )


def _loaded() -> _Signer:
    if _signer is None:
        raise RuntimeError("load_key(settings) comes before any token is minted or verified")
    return _signer


def _jwk(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    x, y = (_base64url(coordinate.to_bytes(32)) for coordinate in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(public: ec.EllipticCurvePublicKey) -> str:
    """RFC 7638: SHA-256 of the key's required members, in order, without blanks."""
    canonical = json.dumps(_jwk(public), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
