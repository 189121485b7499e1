"""Joining: who holds an invitation makes a passkey or sets an authenticator up, and gets recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import sessions, staff
from auth.models import ACTIVE, Staff
from auth.passkeys import registering
from auth.proofs import Owner
from auth.staff import invitations, locks, recovery_codes, totp
from auth.staff.errors import InvitationOver
from auth.staff.events import StaffJoined
from auth.staff.models import StaffInvitation
from core import audit
from core.events import announce


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Whom an invitation is for. is_new: they join; else they have lost what they signed in with"""

    staff_id: UUID
    email: str
    is_new: bool


def look(session: Session, token: str, *, now: datetime) -> Invited:
    """raises  InvitationOver"""
    row = _found(session, token, now=now)
    email = staff.email_of(session, row.staff_id)
    return Invited(staff_id=row.staff_id, email=email, is_new=row.purpose == invitations.JOIN)


def begin_passkey(session: Session, token: str, *, now: datetime) -> tuple[UUID, dict[str, Any]]:
    """The ceremony's id, and what the browser is to make a passkey with.

    raises  InvitationOver, PasskeysFull
    """
    row = _found(session, token, now=now)
    name = staff.email_of(session, row.staff_id)
    return registering.options(session, Owner(staff_id=row.staff_id), name=name, now=now)


def by_passkey(session: Session, token: str, ceremony_id: UUID, credential: Any, *, now: datetime) -> Sequence[str]:
    """Join with a passkey; the recovery codes.

    raises  InvitationOver, PasskeyRefused, PasskeyTaken, PasskeysFull
    """
    row = _found(session, token, now=now, lock=True)
    owner = Owner(staff_id=row.staff_id)
    registering.add(session, owner, ceremony_id, credential, name=None, is_trusted=True, now=now)
    return _join(session, row, means="passkey", now=now)


def begin_totp(session: Session, token: str, *, now: datetime) -> bytes:
    """The secret to put into an authenticator.

    raises  InvitationOver
    """
    return totp.offer(session, _found(session, token, now=now, lock=True).staff_id)


def by_totp(session: Session, token: str, code: str, *, now: datetime) -> Sequence[str] | None:
    """Join with an authenticator that shows this code; the recovery codes, or None when the code is wrong.

    raises  InvitationOver
    """
    row = _found(session, token, now=now, lock=True)
    if not totp.accept(session, row.staff_id, code, now=now):
        return None
    return _join(session, row, means="totp", now=now)


def _join(session: Session, row: StaffInvitation, *, means: str, now: datetime) -> Sequence[str]:
    """effects  uses the invitation up; who had lost their means is signed out everywhere. Announces staff.joined"""
    person = session.get_one(Staff, row.staff_id)
    row.used_at = now
    person.status, person.joined_at = ACTIVE, person.joined_at or now
    locks.clear(person)
    codes = recovery_codes.make(session, person.id)
    if row.purpose == invitations.RECOVER:
        sessions.end_all(session, Owner(staff_id=person.id), because="recovered", now=now)

    audit.record(
        session,
        actor=f"staff:{person.id}",
        action=f"staff.{row.purpose}",
        target=f"staff:{person.id}",
        change={"means": means, "invited_by": row.made_by},
        now=now,
    )
    announce(session, StaffJoined(occurred_at=now, staff_id=person.id, means=means, purpose=row.purpose))
    return codes


def _found(session: Session, token: str, *, now: datetime, lock: bool = False) -> StaffInvitation:
    """An invitation that works; its person is locked before it, as by whoever suspends them, and then looked at again.

    raises  InvitationOver
    """
    row = invitations.find(session, token, now=now)
    if row is not None and lock:
        session.get(Staff, row.staff_id, with_for_update=True, populate_existing=True)
        row = invitations.find(session, token, now=now, lock=True)
    if row is None:
        raise InvitationOver
    return row
