"""Terminal-Signature: a till proves by its registered key that it asked for just this, just now.

    Terminal-Signature: t=1763797200,v1=<base64>

signs `t`, the method, the path (decoded), the Idempotency-Key (or nothing) and the SHA-256 of the body in hex, a line
feed between them. An Ed25519 key signs that text, a P-256 key its SHA-256 (ECDSA, DER).
source  RFC 8032; FIPS 186-5
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy.orm import Session

from auth.tokens import revocations
from core import ids
from core.db import connection_of
from rewards.tills.errors import SignatureInvalid
from rewards.tills.models import TerminalSignature

#: A clock of a till may differ by so much, and a request may be on its way for as long.
WINDOW = timedelta(seconds=300)

#: A key is taken as it was read for so long, unless its terminal is suspended or revoked meanwhile.
KEPT = timedelta(seconds=60)

_HEADER = re.compile(r"t=(\d{1,12}),v1=([A-Za-z0-9+/]{1,200}={0,2})")
_MOST_KEYS = 10_000


class _Key(NamedTuple):
    """A key as it was read, until it is read again. revoked: what was known then of its terminal's revocation"""

    public: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
    fingerprint: bytes
    until: datetime
    revoked: int | None


_keys: dict[UUID, _Key] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request as it came. key: its Idempotency-Key, empty where it has none."""

    terminal_id: UUID
    header: str
    method: str
    path: str
    key: str
    body: bytes


def verify(session: Session, request: Signed, *, now: datetime) -> None:
    """Check a request's signature, and keep it with what it signs.

    raises  SignatureInvalid: malformed, of another key or request, or further from now than WINDOW
    """
    found = _HEADER.fullmatch(request.header)
    if found is None:
        raise SignatureInvalid("Terminal-Signature must be t=<seconds>,v1=<base64>")
    # In seconds: twelve digits reach beyond the calendar's last year.
    if abs(int(found[1]) - now.timestamp()) > WINDOW.total_seconds():
        raise SignatureInvalid(f"Terminal-Signature was signed more than {WINDOW.seconds} seconds from now")
    text = text_of(request, found[1])
    try:
        signature = base64.b64decode(found[2], validate=True)
    except binascii.Error as error:
        raise SignatureInvalid("Terminal-Signature must hold base64") from error
    key = _key_of(session, request.terminal_id, now)
    try:
        if isinstance(key.public, ed25519.Ed25519PublicKey):
            key.public.verify(signature, text.encode())
        else:
            key.public.verify(signature, text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise SignatureInvalid from error

    session.add(
        TerminalSignature(
            id=ids.new(),
            terminal_id=request.terminal_id,
            request_key=request.key,
            signed_text=text,
            signature=signature,
            key_fingerprint=key.fingerprint,
            verified_at=now,
        )
    )


def text_of(request: Signed, seconds: str) -> str:
    """What a terminal signs."""
    body = hashlib.sha256(request.body).hexdigest()
    return "\n".join([seconds, request.method, request.path, request.key, body])


def _key_of(session: Session, terminal_id: UUID, now: datetime) -> _Key:
    known, revoked = _keys.get(terminal_id), revocations.latest(f"terminal:{terminal_id}")
    if known is not None and now < known.until and revoked == known.revoked:
        return known
    query = "SELECT public_key, key_fingerprint FROM auth.terminal WHERE id = %s AND status = 'active'"
    row = connection_of(session).execute(query, [terminal_id]).fetchone()
    if row is None:
        raise SignatureInvalid("This terminal has no key")
    public = serialization.load_pem_public_key(row[0].encode())
    assert isinstance(public, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey), "auth.merchants checks keys"
    if len(_keys) >= _MOST_KEYS:
        _keys.clear()
    _keys[terminal_id] = _Key(public, row[1], now + KEPT, revoked)
    return _keys[terminal_id]
