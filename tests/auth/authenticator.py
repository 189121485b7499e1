"""A software authenticator: what a telephone or a security key answers to WebAuthn, every field to be bent."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

RP_ID = "localhost"
ORIGIN = "http://localhost:8000"

#: Flags of authenticator data (WebAuthn section 6.1): somebody is there; it is the owner; it may be, and is, copied to
#: the platform's cloud; a key comes with it.
PRESENT, VERIFIED, MAY_BE_BACKED_UP, IS_BACKED_UP, WITH_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey on one device. `create` and `get` take the options as our doors give them.

    counts  whether it counts its signatures; what platforms keep copies of does not
    """

    rp_id: str = RP_ID
    origin: str = ORIGIN
    counts: bool = True
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(32))
    counter: int = 0
    user_handle: bytes | None = None

    def create(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        """What navigator.credentials.create gives.

        bent  client_data={...} over its members, flags=, rp_id=, statement={...}, format=, cose={...}, transports=
        """
        self.user_handle = bytes_of(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"], bent)
        key = cbor2.dumps(bent.get("cose", self._cose()))
        with_key = bytes(16) + len(self.id).to_bytes(2) + self.id + key
        flags = bent.get("flags", PRESENT | VERIFIED | WITH_KEY)
        made = {
            "fmt": bent.get("format", "none"),
            "attStmt": bent.get("statement", {}),
            "authData": self._data(flags, bent) + with_key,
        }
        return self._credential(
            clientDataJSON=text_of(client_data),
            attestationObject=text_of(cbor2.dumps(made)),
            transports=bent.get("transports", ["internal"]),
        )

    def get(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        """What navigator.credentials.get gives.

        bent  client_data={...} over its members, flags=, rp_id=, counter=, user_handle=
        """
        client_data = self._client_data("webauthn.get", options["challenge"], bent)
        self.counter = bent.get("counter", self.counter + self.counts)
        data = self._data(bent.get("flags", PRESENT | VERIFIED), bent)
        signature = self._signed(data + hashlib.sha256(client_data).digest())
        handle = bent.get("user_handle", self.user_handle)
        return self._credential(
            clientDataJSON=text_of(client_data),
            authenticatorData=text_of(data),
            signature=text_of(signature),
            **({"userHandle": text_of(handle)} if handle is not None else {}),
        )

    def _credential(self, **response: Any) -> dict[str, Any]:
        return {
            "id": text_of(self.id),
            "rawId": text_of(self.id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, challenge: str, bent: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({**told, **bent.get("client_data", {})}).encode()

    def _data(self, flags: int, bent: dict[str, Any]) -> bytes:
        rp_id = bent.get("rp_id", self.rp_id)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data)

    def _cose(self) -> dict[int, Any]:
        """RFC 9053: ES256, RS256 (RFC 8812) or EdDSA."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            point = self.key.public_key().public_numbers()
            return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        if isinstance(self.key, rsa.RSAPrivateKey):
            numbers = self.key.public_key().public_numbers()
            return {1: 3, 3: -257, -1: numbers.n.to_bytes(256), -2: numbers.e.to_bytes(3)}
        return {1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()}
