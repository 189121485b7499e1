"""The phone's key: made in its Secure Enclave or StrongBox, never to leave it, so that a token is shown by it alone."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from rewards.offline.errors import OfflineKeyInvalid, OfflineKeyUnproved
from rewards.offline.models import OfflineKey
from rewards.offline.signing import b64url, unb64url

Public = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

#: A proof of possession may be so old, and a phone's clock so wrong.
WINDOW = timedelta(minutes=5)

_FORM = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class PhoneKey:
    public: Public

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self.public.public_bytes(*_FORM)).digest()

    @property
    def jwk(self) -> dict[str, str]:
        """RFC 7517, as a token names it."""
        if isinstance(self.public, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.public.public_bytes_raw())}
        numbers = self.public.public_numbers()
        x, y = (b64url(each.to_bytes(32)) for each in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    @property
    def pem(self) -> str:
        return self.public.public_bytes(serialization.Encoding.PEM, _FORM[1]).decode()

    def has_signed(self, text: str, signature: bytes) -> bool:
        """An Ed25519 key signs the text, a P-256 key its SHA-256 (ECDSA, DER)."""
        try:
            if isinstance(self.public, ed25519.Ed25519PublicKey):
                self.public.verify(signature, text.encode())
            else:
                self.public.verify(signature, text.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def of_pem(text: str) -> PhoneKey:
    """raises  OfflineKeyInvalid, also for a private key: it was shown to us, so it is worth nothing any more"""
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise OfflineKeyInvalid from error
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_p256 and not isinstance(key, ed25519.Ed25519PublicKey):
        raise OfflineKeyInvalid
    assert isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey)
    return PhoneKey(key)


def of_jwk(jwk: dict[str, Any]) -> PhoneKey:
    """raises  KeyError, TypeError, ValueError for what is none of ours"""
    if jwk["kty"] == "OKP":
        return PhoneKey(ed25519.Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])))
    x, y = (int.from_bytes(unb64url(jwk[name])) for name in ("x", "y"))
    return PhoneKey(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())


def text_to_prove(customer_id: UUID, seconds: int, fingerprint: bytes) -> str:
    """What a phone signs to register its key: it names the customer, so that the proof is worth nothing to another."""
    return "\n".join(["pocketful-offline-key-1", str(customer_id), str(seconds), fingerprint.hex()])


def register(
    session: Session, *, customer_id: UUID, public_key: str, signed_at: int, proof: str, now: datetime
) -> OfflineKey:
    """Let a customer's tokens be shown by this phone from now on, and by no other.

    units   signed_at: Unix seconds
    raises  OfflineKeyInvalid; OfflineKeyUnproved
    """
    key = of_pem(public_key)
    try:
        signature = unb64url(proof.rstrip("="))
    except ValueError as error:
        raise OfflineKeyUnproved from error
    if abs(datetime.fromtimestamp(signed_at, UTC) - now) > WINDOW:
        raise OfflineKeyUnproved
    if not key.has_signed(text_to_prove(customer_id, signed_at, key.fingerprint), signature):
        raise OfflineKeyUnproved

    row = {"public_key": key.pem, "fingerprint": key.fingerprint, "registered_at": now}
    statement = insert(OfflineKey).values(customer_id=customer_id, **row)
    # The same key again is the same registration.
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["customer_id"], set_=row, where=OfflineKey.fingerprint != key.fingerprint
        )
    )
    found = session.get(OfflineKey, customer_id)
    assert found is not None
    return found
