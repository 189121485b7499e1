"""Persons of staff: who is invited, what roles they have, whether they may sign in.

What changes takes effect within a second: tokens that are out are revoked, and the next one has the new roles.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from auth import sessions, staff
from auth.models import ACTIVE, SUSPENDED, Staff
from auth.proofs import Owner
from auth.staff import invitations, means
from auth.staff.errors import AlreadyJoined, LastAdmin, OwnRoles, RolesBeyondYours, StatusNotNext
from auth.staff.events import StaffChanged
from auth.staff.roles import permissions_of
from auth.tokens import revocations
from core import audit, clock
from core.errors import NotFound
from core.events import announce
from core.web.principals import Principal

INVITED, LEFT = "invited", "left"
STATUSES = (INVITED, ACTIVE, SUSPENDED, LEFT)

#: Who comes back from leaving is invited anew, so that what they once signed in with works no more.
_NEXT = {
    INVITED: frozenset({LEFT}),
    ACTIVE: frozenset({SUSPENDED, LEFT}),
    SUSPENDED: frozenset({ACTIVE, LEFT}),
    LEFT: frozenset[str](),
}


def invite(
    session: Session,
    *,
    email: str,
    name: str,
    roles: Iterable[str],
    by: Principal | None,
    brand_name: str,
    address: str,
    now: datetime,
) -> tuple[Staff, str]:
    """Add a person and mail them a link by which they join; the person and the link.

    by       who invites; None: an operator, by command
    address  our own, PUBLIC_URL
    raises   EmailInvalid, RoleUnknown, RolesBeyondYours; StaffExists when the address is taken
    effects  announces staff.added and staff.invited
    """
    wanted = staff.checked_roles(roles)
    _check_within(by, permissions_of(wanted))
    person = staff.add(session, email=email, name=name, roles=wanted, status=INVITED, now=now)
    link = invitations.invite(session, person, by=_name(by), brand_name=brand_name, address=address, now=now)
    _record(session, by, "staff.invite", person, {"roles": wanted}, now)
    return person, link


def invite_again(
    session: Session, staff_id: UUID, *, by: Principal | None, brand_name: str, address: str, now: datetime
) -> str:
    """Mail another link to who has not joined yet, or has left; the earlier one works no more. Who was added by
    command, or before people signed in here, has not joined either.

    raises  NotFound, RolesBeyondYours, AlreadyJoined
    """
    person = find(session, staff_id, lock=True)
    _check_within(by, staff.permissions_of_person(person))
    if person.status == SUSPENDED or (person.status == ACTIVE and person.joined_at is not None):
        raise AlreadyJoined
    if person.status == LEFT:
        person.status = INVITED
    link = invitations.invite(session, person, by=_name(by), brand_name=brand_name, address=address, now=now)
    _record(session, by, "staff.invite", person, {"roles": person.roles}, now)
    return link


def set_roles(session: Session, staff_id: UUID, roles: Iterable[str], *, by: Principal | None, now: datetime) -> Staff:
    """Give a person these roles and no others.

    raises   NotFound, RoleUnknown, OwnRoles, RolesBeyondYours, LastAdmin
    effects  what they may do changes with their next token, and the present one works no more; announces staff.changed
    """
    wanted = staff.checked_roles(roles)
    person, is_last = _changed_by(session, staff_id, by, more=permissions_of(wanted))
    before = list(person.roles)
    if wanted == before:
        return person
    if is_last and _is_admin(person) and "admin" not in wanted:
        raise LastAdmin
    person.roles = wanted
    session.flush()
    # By the clock as it stands under the lock: while this waited for it, tokens with the former roles were made.
    revocations.add(session, _subject(person), now=max(now, clock.now()))
    _record(session, by, "staff.roles", person, {"from": before, "to": wanted}, now)
    _announce(session, person, now)
    return person


def set_status(session: Session, staff_id: UUID, status: str, *, by: Principal | None, now: datetime) -> Staff:
    """Suspend a person, let them in again, or note that they have left.

    raises   NotFound, OwnRoles, RolesBeyondYours, StatusNotNext, LastAdmin
    effects  who is not active is signed out everywhere, and no link of theirs works; of who has left, passkeys and
             authenticator are dropped. Announces staff.changed
    """
    person, is_last = _changed_by(session, staff_id, by)
    before = person.status
    if status == before:
        return person
    if status not in _NEXT[before]:
        raise StatusNotNext(f"A person who is {before} cannot become {status}")
    # An operator stops a thief at any hour, and lets somebody else in by command.
    is_operators_stop = by is None and status == SUSPENDED
    if is_last and _is_admin(person) and not is_operators_stop:
        raise LastAdmin
    person.status = status
    session.flush()
    if status != ACTIVE:
        sessions.end_all(session, Owner(staff_id=person.id), because=status, now=now)
        invitations.withdraw(session, person.id, now=now)
        revocations.add(session, _subject(person), now=now)
    if status == LEFT:
        means.drop_all(session, person.id)
    _record(session, by, "staff.status", person, {"from": before, "to": status}, now)
    _announce(session, person, now)
    return person


def find(session: Session, staff_id: UUID, *, lock: bool = False) -> Staff:
    """raises  NotFound"""
    person = session.get(Staff, staff_id, with_for_update=lock or None, populate_existing=True)
    if person is None:
        raise NotFound
    return person


def page(
    session: Session, *, before: UUID | None, limit: int, status: str | None = None, role: str | None = None
) -> Sequence[Staff]:
    """The latest first."""
    query = select(Staff).order_by(Staff.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Staff.id < before)
    if status is not None:
        query = query.where(Staff.status == status)
    if role is not None:
        query = query.where(Staff.roles.contains([role]))
    return session.scalars(query).all()


def _changed_by(
    session: Session, staff_id: UUID, by: Principal | None, *, more: Collection[str] = ()
) -> tuple[Staff, bool]:
    """A person whom `by` may change, locked, and whether nobody else who is active is an admin.

    more  what else they are to be allowed
    """
    if by is not None and by.id == staff_id:
        raise OwnRoles
    is_admin = and_(Staff.status == ACTIVE, Staff.roles.contains(["admin"]))
    # In one order, so that of two admins who take the role from each other at once the second stays.
    query = select(Staff).where(or_(Staff.id == staff_id, is_admin)).order_by(Staff.id).with_for_update()
    locked = session.scalars(query.execution_options(populate_existing=True)).all()
    person = next((each for each in locked if each.id == staff_id), None)
    if person is None:
        raise NotFound
    _check_within(by, staff.permissions_of_person(person).union(more))
    return person, not any(each is not person for each in locked)


def _check_within(by: Principal | None, permissions: frozenset[str]) -> None:
    """Who may admit people admits none, by a role or by taking somebody's mailbox over, that may do more than they."""
    if by is not None and not permissions <= by.permissions:
        raise RolesBeyondYours(missing=sorted(permissions - by.permissions))


def _is_admin(person: Staff) -> bool:
    return person.status == ACTIVE and "admin" in person.roles


def _record(
    session: Session, by: Principal | None, action: str, person: Staff, change: dict[str, object], now: datetime
) -> None:
    audit.record(session, actor=_name(by), action=action, target=_subject(person), change=change, now=now)


def _announce(session: Session, person: Staff, now: datetime) -> None:
    announce(session, StaffChanged(occurred_at=now, staff_id=person.id, roles=person.roles, status=person.status))


def _name(by: Principal | None) -> str:
    return by.name if by is not None else "operator"


def _subject(person: Staff) -> str:
    return f"staff:{person.id}"
