"""A signing key's private half at rest: sealed under a data key of its own row, which a new key-encryption key rewraps
as any other."""

import base64
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy.orm import Session

from auth.keys.ring import PrivateKey
from core import crypto

_PLACE = "auth.signing_key.private"


def seal(session: Session, row_id: UUID, private: PrivateKey) -> bytes:
    """effects  makes the row's data key"""
    written = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    crypto.create_data_keys(session, [row_id])
    return crypto.seal(session, owner_id=row_id, place=_PLACE, row_id=row_id, text=base64.b64encode(written).decode())


def unseal(session: Session, row_id: UUID, sealed: bytes) -> PrivateKey:
    text = crypto.unseal(session, owner_id=row_id, place=_PLACE, row_id=row_id, ciphertext=sealed)
    key = serialization.load_der_private_key(base64.b64decode(text), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key
