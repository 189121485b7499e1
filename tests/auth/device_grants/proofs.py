"""DPoP proofs as a device makes them."""

from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from auth import tokens
from auth.keys import jwk
from core import clock

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def proof(key: Key, path: str, **changes: Any) -> str:
    claims = {
        "jti": str(uuid4()), "htm": "POST", "htu": tokens.issuer() + path, "iat": int(clock.now().timestamp()),
        **changes,
    }  # fmt: skip
    algorithm = "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256"
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": "dpop+jwt", "jwk": jwk.of(key.public_key())})
