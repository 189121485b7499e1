"""How staff are reached: the addresses of those who may do something about what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth.models import ACTIVE, Staff
from auth.staff.roles import ROLES
from core import crypto


@dataclass(frozen=True, slots=True)
class StaffContact:
    staff_id: UUID
    email: str


def with_permission(session: Session, permission: str, *, limit: int = 50) -> Sequence[StaffContact]:
    """Active staff who hold a permission, those who have been here longest first; erased ones are left out."""
    giving = [role for role, given in ROLES.items() if permission in given]
    holds = or_(Staff.permissions.contains([permission]), Staff.roles.overlap(giving))
    query = select(Staff).where(Staff.status == ACTIVE, holds)
    people = session.scalars(query.order_by(Staff.id).limit(limit)).all()
    crypto.fetch_data_keys(session, [person.id for person in people])
    found = []
    for person in people:
        try:
            email = crypto.unseal(
                session, owner_id=person.id, place="auth.staff.email", row_id=person.id, ciphertext=person.email
            )
        except crypto.Erased:
            continue
        found.append(StaffContact(person.id, email))
    return found
