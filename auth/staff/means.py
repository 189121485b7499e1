"""What a person signs in with: passkeys, an authenticator, recovery codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from auth.models import Staff
from auth.passkeys import listing, registering
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from auth.staff import recovery_codes, totp
from auth.staff.errors import LastMeans
from auth.staff.models import StaffRecoveryCode, StaffTotp
from core import audit


def add_passkey(
    session: Session, staff_id: UUID, ceremony_id: UUID, credential: Any, *, name: str | None, now: datetime
) -> Passkey:
    """Keep one more passkey of a person who has just shown who they are.

    raises  PasskeyRefused, PasskeyTaken, PasskeysFull
    """
    owner = Owner(staff_id=staff_id)
    passkey = registering.add(session, owner, ceremony_id, credential, name=name, is_trusted=True, now=now)
    _record(session, staff_id, "staff.add_passkey", {"passkey_id": str(passkey.id)}, now)
    return passkey


def remove_passkey(session: Session, staff_id: UUID, passkey_id: UUID, *, now: datetime) -> None:
    """Let a passkey sign in no more.

    raises  NotFound; LastMeans where nothing else would sign the person in
    """
    owner = Owner(staff_id=staff_id)
    session.get_one(Staff, staff_id, with_for_update=True)  # so that of two removed at once one stays
    listing.find(session, owner, passkey_id)
    if len(registering.of(session, owner)) == 1 and not totp.has_one(session, staff_id):
        raise LastMeans
    listing.remove(session, owner, passkey_id, now=now)
    _record(session, staff_id, "staff.remove_passkey", {"passkey_id": str(passkey_id)}, now)


def renew_recovery_codes(session: Session, staff_id: UUID, *, now: datetime) -> Sequence[str]:
    """Ten new recovery codes; earlier ones work no more."""
    codes = recovery_codes.make(session, staff_id)
    _record(session, staff_id, "staff.recovery_codes", {}, now)
    return codes


def drop_all(session: Session, staff_id: UUID) -> None:
    """Let nothing that a person ever made sign them in any more."""
    for table in (Passkey, StaffTotp, StaffRecoveryCode):
        session.execute(delete(table).where(table.staff_id == staff_id))


def _record(session: Session, staff_id: UUID, action: str, change: dict[str, Any], now: datetime) -> None:
    name = f"staff:{staff_id}"
    audit.record(session, actor=name, action=action, target=name, change=change, now=now)
