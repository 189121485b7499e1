"""The customer code: one rotating code, shown as a QR, by which a till knows whom it serves.

It is a reference (which row) and a time-based one-time password (RFC 6238: SHA-256, 8 digits, 30 s). A step either
side is let through for clocks that differ, and each step works once, so a photographed code is worth nothing.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.errors import CustomerCodeRefused
from auth.models import ACTIVE, Customer, CustomerCode
from core import crypto, ids

STEP_SECONDS = 30
DIGITS = 8
_PLACE = "auth.customer_code.secret"
#: Upper case and digits alone keep a QR small (its alphanumeric mode).
_SHAPE = re.compile(r"PF-([A-Z2-7]{16})-([0-9]{8})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """A code that a till will take now, and when the app should show the next one."""

    text: str
    expires_at: datetime
    seconds_left: int


def current(session: Session, customer_id: UUID, *, now: datetime) -> str:
    """The text of the code to show just now."""
    return show(session, customer_id, now=now).text


def show(session: Session, customer_id: UUID, *, now: datetime) -> ShownCode:
    """The code to show just now. Right after a till took one it is the next step's, so that one can pay twice; a third
    within a step is taken once its own is near."""
    row = session.get(CustomerCode, customer_id) or _create(session, customer_id)
    step = max(_step_of(now), row.burnt_step + 1)
    expires_at = datetime.fromtimestamp((step + 1) * STEP_SECONDS, UTC)
    return ShownCode(
        text=f"PF-{row.reference}-{one_time_password(_secret_of(session, row), step)}",
        expires_at=expires_at,
        seconds_left=int((expires_at - now).total_seconds()),
    )


def renew(session: Session, customer_id: UUID) -> None:
    """Begin anew, with another secret: whatever was shown before is worth nothing, and no step is burnt."""
    row = session.get(CustomerCode, customer_id, with_for_update=True) or _create(session, customer_id)
    row.secret, row.burnt_step = _sealed_secret(session, customer_id), 0
    session.flush()


def is_ahead(session: Session, customer_id: UUID, *, now: datetime) -> bool:
    """Whether two codes were taken within this step, so that the next one is taken only later."""
    row = session.get(CustomerCode, customer_id)
    return row is not None and row.burnt_step > _step_of(now)


def identify(session: Session, code: str, *, now: datetime, is_sandbox: bool = False) -> UUID:
    """Whose code this is. Its step is burnt in the caller's transaction: it is free again if that rolls back.

    is_sandbox  who asks is a sandbox's till, which knows its own customers alone, and nobody else knows those
    raises      CustomerCodeRefused for one that is wrong, too old, used, or of a suspended customer
    """
    match = _SHAPE.match(code.strip().upper())
    if match is None:
        raise CustomerCodeRefused
    reference, password = match.groups()
    query = select(CustomerCode).join(Customer, Customer.id == CustomerCode.customer_id)
    row = session.scalar(query.where(CustomerCode.reference == reference, Customer.status == ACTIVE))
    if row is None or ids.is_sandbox(row.customer_id) != is_sandbox:
        raise CustomerCodeRefused
    try:
        step = _matching_step(_secret_of(session, row), password, now)
    except crypto.Erased as error:
        raise CustomerCodeRefused from error
    if step is None or not _burn(session, row.customer_id, step):
        raise CustomerCodeRefused
    return row.customer_id


def one_time_password(secret: bytes, step: int, *, digits: int = DIGITS, digest: str = "sha256") -> str:
    """RFC 6238: the last decimal digits of RFC 4226's dynamic truncation of an HMAC by this digest."""
    mac = hmac.digest(secret, step.to_bytes(8), digest)
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def _step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _matching_step(secret: bytes, password: str, now: datetime) -> int | None:
    here = _step_of(now)
    matching = [
        step for step in (here - 1, here, here + 1) if hmac.compare_digest(one_time_password(secret, step), password)
    ]
    return matching[-1] if matching else None


def _burn(session: Session, customer_id: UUID, step: int) -> bool:
    """Spend a step and all before it; False when a twin was quicker."""
    spent = (
        update(CustomerCode)
        .where(CustomerCode.customer_id == customer_id, CustomerCode.burnt_step < step)
        .values(burnt_step=step)
        .returning(CustomerCode.customer_id)
    )
    return session.execute(spent).first() is not None


def _create(session: Session, customer_id: UUID) -> CustomerCode:
    secret = _sealed_secret(session, customer_id)
    reference = base64.b32encode(secrets.token_bytes(10)).decode()
    values = {"customer_id": customer_id, "reference": reference, "secret": secret}
    statement = insert(CustomerCode).values(values)
    session.execute(statement.on_conflict_do_nothing(index_elements=["customer_id"]))
    return session.scalars(select(CustomerCode).where(CustomerCode.customer_id == customer_id)).one()


def _sealed_secret(session: Session, customer_id: UUID) -> bytes:
    return crypto.seal(session, owner_id=customer_id, place=_PLACE, row_id=customer_id, text=secrets.token_hex(32))


def _secret_of(session: Session, row: CustomerCode) -> bytes:
    secret = crypto.unseal(
        session, owner_id=row.customer_id, place=_PLACE, row_id=row.customer_id, ciphertext=row.secret
    )
    return bytes.fromhex(secret)
