"""What an owner does with their passkeys: look at them, name them, remove them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import notices
from auth.passkeys import registering
from auth.passkeys.errors import PasskeyYoung
from auth.passkeys.events import PasskeyRemoved
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core import crypto
from core.errors import NotFound
from core.events import announce


def find(session: Session, owner: Owner, passkey_id: UUID) -> Passkey:
    """raises  NotFound, also for another's"""
    passkey = session.get(Passkey, passkey_id)
    if passkey is None or passkey.owner != owner:
        raise NotFound
    return passkey


def rename(session: Session, owner: Owner, passkey_id: UUID, name: str) -> Passkey:
    """raises  NotFound; Erased"""
    passkey = find(session, owner, passkey_id)
    passkey.name = registering.sealed_name(session, owner, passkey.id, name)
    return passkey


def remove(session: Session, owner: Owner, passkey_id: UUID, *, now: datetime) -> None:
    """Let a passkey sign in and approve no more.

    raises   NotFound; PasskeyYoung while a newer one may not yet approve: whoever made that one with a stolen number
             could else remove its owner's with it
    effects  announces passkey.removed; a customer is told wherever they can be reached
    """
    passkey = find(session, owner, passkey_id)
    young = [each.approves_from for each in registering.of(session, owner) if is_young(each, now)]
    if young and not is_young(passkey, now):
        raise PasskeyYoung("While a newer passkey waits, remove that one first", approves_from=max(young).isoformat())

    drop(session, passkey, now=now)


def drop(session: Session, passkey: Passkey, *, now: datetime) -> None:
    """`remove`, whatever else the owner has.

    effects  announces passkey.removed; a customer is told wherever they can be reached
    """
    owner, passkey_id = passkey.owner, passkey.id
    session.delete(passkey)
    session.flush()

    if owner.customer_id:
        notices.tell(session, owner.customer_id, notices.PASSKEY_REMOVED, now=now)
    announce(
        session,
        PasskeyRemoved(customer_id=owner.customer_id, staff_id=owner.staff_id, occurred_at=now, passkey_id=passkey_id),
    )


def is_young(passkey: Passkey, now: datetime) -> bool:
    """Whether it approves nothing yet."""
    return now < passkey.approves_from


def name_of(session: Session, passkey: Passkey) -> str | None:
    """raises  Erased"""
    if passkey.name is None:
        return None
    return crypto.unseal(
        session,
        owner_id=passkey.owner.id,
        place=registering.NAME_PLACE,
        row_id=passkey.id,
        ciphertext=passkey.name,
    )
