"""Authenticator apps: a time-based one-time password as all of them make it (RFC 6238: SHA-1, 6 digits, 30 s).

A step either side is let through for clocks that differ, and each step works once: who looks over a shoulder is late.
"""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import UUID

from sqlalchemy.orm import Session

from auth.customer_codes import STEP_SECONDS, one_time_password
from auth.staff.models import StaffTotp
from core import crypto

DIGITS = 6
_PLACE = "auth.staff_totp.secret"
#: RFC 4226 section 4 asks for 160 bits.
_SECRET_BYTES = 20


def offer(session: Session, staff_id: UUID) -> bytes:
    """The secret to put into an authenticator; the same until its first code was shown to us, and another one after.

    raises  Erased
    """
    row = session.get(StaffTotp, staff_id, with_for_update=True)
    if row is not None and row.proved_at is None:
        return _secret_of(session, row)
    secret = secrets.token_bytes(_SECRET_BYTES)
    sealed = crypto.seal(session, owner_id=staff_id, place=_PLACE, row_id=staff_id, text=secret.hex())
    if row is None:
        session.add(StaffTotp(staff_id=staff_id, secret=sealed, burnt_step=0))
    else:
        row.secret, row.burnt_step, row.proved_at = sealed, 0, None
    session.flush()
    return secret


def accept(session: Session, staff_id: UUID, code: str, *, now: datetime) -> bool:
    """Take the first code of an authenticator that was offered: from now on it signs its owner in."""
    row = session.get(StaffTotp, staff_id, with_for_update=True)
    if row is None or row.proved_at is not None or not _burn(session, row, code, now):
        return False
    row.proved_at = now
    return True


def prove(session: Session, staff_id: UUID, code: str, *, now: datetime) -> bool:
    """Whether this is a code of the person's authenticator, which is spent by it in the caller's transaction.

    effects  locks the authenticator's row
    """
    row = session.get(StaffTotp, staff_id, with_for_update=True)
    return row is not None and row.proved_at is not None and _burn(session, row, code, now)


def has_one(session: Session, staff_id: UUID) -> bool:
    row = session.get(StaffTotp, staff_id)
    return row is not None and row.proved_at is not None


def spelled(secret: bytes) -> str:
    """As somebody types it who cannot scan."""
    return base64.b32encode(secret).decode()


def uri(secret: bytes, *, issuer: str, account: str) -> str:
    """What authenticator apps read from a QR (Google's Key URI format)."""
    label = quote(f"{issuer}:{account}", safe=":@")
    named = {"secret": spelled(secret), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(named, quote_via=quote)}"


def code_at(secret: bytes, now: datetime) -> str:
    """What an authenticator with this secret shows now."""
    return _code(secret, _step_of(now))


def _burn(session: Session, row: StaffTotp, code: str, now: datetime) -> bool:
    secret, here = _secret_of(session, row), _step_of(now)
    for step in (here + 1, here, here - 1):
        if hmac.compare_digest(_code(secret, step).encode(), code.encode()) and step > row.burnt_step:
            row.burnt_step = step
            return True
    return False


def _code(secret: bytes, step: int) -> str:
    return one_time_password(secret, step, digits=DIGITS, digest="sha1")


def _step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _secret_of(session: Session, row: StaffTotp) -> bytes:
    return bytes.fromhex(
        crypto.unseal(session, owner_id=row.staff_id, place=_PLACE, row_id=row.staff_id, ciphertext=row.secret)
    )
