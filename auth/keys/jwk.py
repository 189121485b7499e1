"""Public keys as JSON (RFC 7517, RFC 8037), and what they are known by (RFC 7638)."""

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

#: What a thumbprint is made of, for each type of key.
_REQUIRED = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
#: Members of a key that nobody shows.
SECRETS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def of(public: PublicKey) -> dict[str, str]:
    if isinstance(public, ec.EllipticCurvePublicKey):
        numbers = public.public_numbers()
        x, y = (b64url(coordinate.to_bytes(32)) for coordinate in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": b64url(public.public_bytes_raw())}
    modulus = public.public_numbers()
    return {"e": _number(modulus.e), "kty": "RSA", "n": _number(modulus.n)}


def read(jwk: dict[str, Any]) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """The public key of a JWK: P-256 or Ed25519.

    raises  ValueError for another kind of key, a point that is not on the curve, or a key that tells its secret
    """
    if SECRETS & jwk.keys():
        raise ValueError("a private key")
    curve = (jwk.get("kty"), jwk.get("crv"))
    if curve == ("EC", "P-256"):
        x, y = _coordinate(jwk, "x"), _coordinate(jwk, "y")
        return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()).public_key()
    if curve == ("OKP", "Ed25519"):
        return ed25519.Ed25519PublicKey.from_public_bytes(_coordinate(jwk, "x"))
    raise ValueError("a key of another kind")


def read_own(jwk: dict[str, Any]) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """A key that we wrote ourselves: P-256 or RSA.

    raises  ValueError
    """
    if jwk["kty"] == "RSA":
        e, n = (int.from_bytes(unb64url(jwk[name])) for name in ("e", "n"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    public = read(jwk)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError("a key of another kind")
    return public


def is_signed_by(public: PublicKey, alg: str, signed: bytes, signature: bytes) -> bool:
    """Whether this key made the signature by an algorithm that is its own: ES256 or EdDSA."""
    try:
        if isinstance(public, ec.EllipticCurvePublicKey) and alg == "ES256" and len(signature) == 64:
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
            return True
        if isinstance(public, ed25519.Ed25519PublicKey) and alg == "EdDSA":
            public.verify(signature, signed)
            return True
    except InvalidSignature:
        return False
    return False


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


def unb64url(text: Any) -> bytes:
    """raises  ValueError for what is not base64url without padding"""
    if not isinstance(text, str) or not text.isascii() or set(text) & {"=", "+", "/"}:
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _coordinate(jwk: dict[str, Any], name: str) -> bytes:
    text = jwk.get(name)
    found = unb64url(text) if isinstance(text, str) else b""
    if len(found) != 32:
        raise ValueError("no coordinate")
    return found


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8))
