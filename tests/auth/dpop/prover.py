"""A device's own key, and the proofs that it makes with it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from auth.dpop import proofs
from auth.keys import jwk
from core import clock
from core.settings import Settings


class Prover:
    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | None = None) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.alg = "EdDSA" if isinstance(self.key, ed25519.Ed25519PrivateKey) else "ES256"
        self.jwk: dict[str, Any] = dict(jwk.of(self.key.public_key()))

    @property
    def jkt(self) -> bytes:
        return jwk.thumbprint(self.jwk)

    def proof(
        self,
        method: str,
        path: str,
        *,
        now: datetime | None = None,
        access_token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """As an app makes it. `header` and further claims change it; None leaves a member out."""
        said = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": Settings().public_url + path,
            "iat": int((now or clock.now()).timestamp()),
            "ath": proofs.ath_of(access_token) if access_token else None,
            **claims,
        }
        head = {"typ": "dpop+jwt", "jwk": self.jwk, **(header or {})}
        alg = head.pop("alg", self.alg)
        return jwt.encode(
            {name: value for name, value in said.items() if value is not None},
            self.key if alg == self.alg else None if alg == "none" else "x" * 32,  # type: ignore[arg-type]
            algorithm=alg,
            headers=head,
        )
