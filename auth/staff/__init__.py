"""Staff: persons of the brand's, with the roles that they have and what those let them do."""

import re
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import emails
from auth.errors import PermissionInvalid
from auth.events import StaffAdded
from auth.models import ACTIVE, Staff
from auth.staff.errors import RoleUnknown
from auth.staff.roles import is_known, permissions_of
from core import crypto, ids
from core.errors import NotFound
from core.events import announce
from core.web.principals import Principal

_PERMISSION = re.compile(r"[a-z][a-z_]*([.:][a-z_]+)*\Z")


def add(
    session: Session,
    *,
    email: str,
    name: str,
    permissions: Iterable[str] = (),
    roles: Iterable[str] = (),
    status: str = ACTIVE,
    now: datetime,
) -> Staff:
    """Add a person. They can sign in once they have been invited and have joined.

    permissions  what they may do beside what their roles give
    raises       EmailInvalid, PermissionInvalid, RoleUnknown; StaffExists when the address is taken
    effects      announces staff.added
    """
    email = emails.normalised(email)
    wanted = sorted(set(permissions))
    for permission in wanted:
        if not _PERMISSION.match(permission):
            raise PermissionInvalid(f"{permission!r} is no permission")

    staff_id = ids.new()
    crypto.create_data_keys(session, [staff_id])
    person = Staff(
        id=staff_id,
        email=_sealed(session, staff_id, "email", email),
        email_index=_index_of(email),
        name=_sealed(session, staff_id, "name", name),
        permissions=wanted,
        roles=checked_roles(roles),
        status=status,
        created_at=now,
    )
    session.add(person)
    session.flush()

    announce(session, StaffAdded(occurred_at=now, staff_id=staff_id, permissions=wanted, roles=person.roles))
    return person


def checked_roles(roles: Iterable[str]) -> list[str]:
    """Roles in one order, each once.

    raises  RoleUnknown
    """
    wanted = sorted(set(roles))
    for role in wanted:
        if not is_known(role):
            raise RoleUnknown(f"{role!r} is no role")
    return wanted


def by_email(session: Session, email: str) -> Staff:
    """raises  NotFound, also for what never was an address"""
    person = session.scalar(select(Staff).where(Staff.email_index == _index_of(email.strip().lower())))
    if person is None:
        raise NotFound("There is no person with this e-mail address")
    return person


def permissions_of_person(person: Staff) -> frozenset[str]:
    """What somebody may do: what their roles give, and what they were given beside them."""
    return permissions_of(person.roles, person.permissions)


def principal_of(person: Staff) -> Principal:
    return Principal(
        kind="staff", id=person.id, permissions=permissions_of_person(person), roles=frozenset(person.roles)
    )


def name_of(session: Session, staff_id: UUID) -> str:
    """raises  NotFound, Erased"""
    return _opened(session, staff_id, "name")


def email_of(session: Session, staff_id: UUID) -> str:
    """raises  NotFound, Erased"""
    return _opened(session, staff_id, "email")


def _opened(session: Session, staff_id: UUID, column: str) -> str:
    person = session.get(Staff, staff_id)
    if person is None:
        raise NotFound
    ciphertext = getattr(person, column)
    return crypto.unseal(
        session, owner_id=staff_id, place=f"auth.staff.{column}", row_id=staff_id, ciphertext=ciphertext
    )


def _index_of(email: str) -> bytes:
    return crypto.blind_index("auth.email", email)


def _sealed(session: Session, staff_id: UUID, column: str, text: str) -> bytes:
    return crypto.seal(session, owner_id=staff_id, place=f"auth.staff.{column}", row_id=staff_id, text=text)
