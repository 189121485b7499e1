"""Public keys as JSON (RFC 7517, RFC 8037), and what they are known by (RFC 7638)."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

#: What a thumbprint is made of, for each type of key.
_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def of(public: PublicKey) -> dict[str, str]:
    if isinstance(public, ec.EllipticCurvePublicKey):
        numbers = public.public_numbers()
        x, y = (b64url(coordinate.to_bytes(32)) for coordinate in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": b64url(public.public_bytes_raw())}
    modulus = public.public_numbers()
    return {"e": _number(modulus.e), "kty": "RSA", "n": _number(modulus.n)}


def thumbprint(jwk: dict[str, Any]) -> bytes:
    """SHA-256 of the key's required members, in order, without blanks.

    raises  KeyError for a type of key that we do not know, or one that lacks a member
    """
    required = {name: jwk[name] for name in _REQUIRED[jwk["kty"]]}
    return hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest()


def kid_of(public: PublicKey) -> str:
    return b64url(thumbprint(of(public)))


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64url(text: str) -> bytes:
    """raises  ValueError for what is not base64url without padding"""
    if not text.isascii() or set(text) & {"=", "+", "/"}:
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8))
