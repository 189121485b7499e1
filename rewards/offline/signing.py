"""The brand's signature on offline tokens: compact JWS by Ed25519, with the keys that tills keep to check it.

The first key signs. A new one is published behind it first, until every till has fetched it, and then moved to the
front; an old one stays for as long as records of it may come.
source  RFC 7515; RFC 8037
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rewards.offline.errors import OfflineTokenForged

TYPE = "pf-offline+jwt"

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Signer:
    """kid: the signing key's; public: all that are believed, by their kid"""

    private: Ed25519PrivateKey
    kid: str
    public: dict[str, Ed25519PublicKey]

    def sign(self, claims: dict[str, Any]) -> str:
        """The token. The same claims under the same key are the same text for ever."""
        header = {"alg": "EdDSA", "kid": self.kid, "typ": TYPE}
        signed = f"{b64url(_encode(header).encode())}.{b64url(_encode(claims).encode())}"
        return f"{signed}.{b64url(self.private.sign(signed.encode()))}"

    def verify(self, token: str) -> dict[str, Any]:
        """The claims that one of our keys has signed.

        raises  OfflineTokenForged, one and the same for whatever is wrong
        """
        try:
            signed, _, signature = token.rpartition(".")
            header = json.loads(unb64url(signed.partition(".")[0]))
            if (header["alg"], header["typ"]) != ("EdDSA", TYPE):
                raise OfflineTokenForged
            self.public[header["kid"]].verify(unb64url(signature), signed.encode())
            claims = json.loads(unb64url(signed.partition(".")[2]))
        except (InvalidSignature, KeyError, TypeError, ValueError, RecursionError) as error:
            raise OfflineTokenForged from error
        if not isinstance(claims, dict):
            raise OfflineTokenForged
        return claims

    def key_set(self) -> list[dict[str, str]]:
        """The public keys as JWKs, the one that signs first."""
        return [
            {**_jwk(public), "kid": kid, "alg": "EdDSA", "use": "sig"}
            for kid, public in sorted(self.public.items(), key=lambda each: each[0] != self.kid)
        ]


@lru_cache(maxsize=8)
def signer(keys: str) -> Signer:
    """keys: as the setting has them, comma-separated"""
    private = [Ed25519PrivateKey.from_private_bytes(base64.b64decode(key)) for key in keys.split(",")]
    public = {kid_of(each.public_key()): each.public_key() for each in private}
    return Signer(private[0], kid_of(private[0].public_key()), public)


def kid_of(public: Ed25519PublicKey) -> str:
    """The first 8 bytes of the key's thumbprint (RFC 7638)."""
    return b64url(hashlib.sha256(_encode(_jwk(public)).encode()).digest()[:8])


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64url(text: str) -> bytes:
    """raises  ValueError, also for another spelling than the one that `b64url` gives"""
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not base64url") from error
    if b64url(raw) != text:
        raise ValueError("not base64url in its one spelling")
    return raw


def _jwk(public: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": b64url(public.public_bytes_raw())}
