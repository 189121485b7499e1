"""Recovery codes: ten of them, shown once, each good once, for who has lost every other means to sign in."""

import base64
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from auth import opaque
from auth.staff.models import StaffRecoveryCode

COUNT = 10
#: 80 bits: nobody guesses one, so that its HMAC need not be slow.
_BYTES = 10
_SHAPE = re.compile(r"[A-Z2-7]{16}\Z")


def make(session: Session, staff_id: UUID) -> Sequence[str]:
    """Ten new codes, to be shown now and never again; earlier ones work no more."""
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.staff_id == staff_id))
    codes = [base64.b32encode(secrets.token_bytes(_BYTES)).decode() for _ in range(COUNT)]
    session.add_all(StaffRecoveryCode(staff_id=staff_id, code=_kept(staff_id, code)) for code in codes)
    session.flush()
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def use(session: Session, staff_id: UUID, text: str, *, now: datetime) -> bool:
    """Whether this is one of the person's codes that was not used yet; of any number at one moment, one uses it."""
    code = re.sub(r"[\s-]", "", text).upper()
    if not _SHAPE.match(code):
        return False
    used = (
        update(StaffRecoveryCode)
        .where(
            StaffRecoveryCode.staff_id == staff_id,
            StaffRecoveryCode.code == _kept(staff_id, code),
            StaffRecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(StaffRecoveryCode.staff_id)
    )
    return session.execute(used).first() is not None


def left(session: Session, staff_id: UUID) -> int:
    """How many of them still work."""
    unused = (StaffRecoveryCode.staff_id == staff_id, StaffRecoveryCode.used_at.is_(None))
    return session.scalars(select(func.count()).select_from(StaffRecoveryCode).where(*unused)).one()


def _kept(staff_id: UUID, code: str) -> bytes:
    return opaque.kept("staff_recovery_code", f"{staff_id}:{code}")
