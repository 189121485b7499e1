"""The brand's staff: who they are, what roles they have, and what each signs in with."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import staff
from auth.models import Staff
from auth.passkeys import listing, registering
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from auth.staff import invitations, means, persons, recovery_codes, totp
from auth.staff.api.schemas import (
    InvitationSchema,
    NewPersonSchema,
    NewStaffPasskeySchema,
    PersonArgsSchema,
    PersonRolesSchema,
    PersonSchema,
    PersonStatusSchema,
    RecoveryCodesSchema,
    RolesSchema,
    StaffMeSchema,
    StaffPasskeyOptionsSchema,
    StaffPasskeySchema,
)
from auth.staff.roles import ROLES
from auth.step_up import demands
from core import clock, crypto
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import page_of

blueprint = Blueprint("staff_people", __name__, description="The brand's staff")


@blueprint.get("/roles")
@blueprint.response(200, RolesSchema())
@needs("staff.read")
def list_roles() -> dict[str, Any]:
    """The roles that there are, with what each may do; all on one page."""
    items = [{"name": name, "permissions": sorted(given)} for name, given in sorted(ROLES.items())]
    return {"items": items, "next_cursor": None}


@blueprint.post("/staff")
@blueprint.arguments(NewPersonSchema())
@blueprint.response(201, PersonSchema())
@needs("staff.write")
def invite_person(args: dict[str, Any]) -> dict[str, Any]:
    """Invite somebody: they are mailed a link by which they join, good for three days and once."""
    now = clock.now()
    with transaction() as session:
        person, _ = persons.invite(session, **args, **_invitation(), now=now)
        return _told(session, person)


@blueprint.get("/staff")
@blueprint.arguments(PersonArgsSchema(), location="query")
@blueprint.response(200, page_of(PersonSchema))
@needs("staff.read")
def list_persons(args: dict[str, Any]) -> dict[str, Any]:
    """The brand's staff, the latest first."""
    before, limit = pages.before(args.pop("cursor")), args.pop("limit")
    with transaction() as session:
        found = persons.page(session, before=before, limit=limit + 1, **args)
        crypto.fetch_data_keys(session, [person.id for person in found])
        return pages.page(found, limit, lambda person: _told(session, person))


@blueprint.get("/staff/<uuid:staff_id>")
@blueprint.response(200, PersonSchema())
@needs("staff.read")
def show_person(staff_id: UUID) -> dict[str, Any]:
    """One person."""
    with transaction() as session:
        return _told(session, persons.find(session, staff_id))


@blueprint.patch("/staff/<uuid:staff_id>")
@blueprint.arguments(PersonRolesSchema())
@blueprint.response(200, PersonSchema())
@needs("staff.write")
def change_roles(args: dict[str, Any], staff_id: UUID) -> dict[str, Any]:
    """Give somebody these roles and no others; nobody changes their own. It holds within a second."""
    with transaction() as session:
        person = persons.set_roles(session, staff_id, args["roles"], by=principals.current(), now=clock.now())
        return _told(session, person)


@blueprint.put("/staff/<uuid:staff_id>/status")
@blueprint.arguments(PersonStatusSchema())
@blueprint.response(200, PersonSchema())
@needs("staff.write")
def change_status(args: dict[str, str], staff_id: UUID) -> dict[str, Any]:
    """Suspend somebody, let them in again, or note that they have left. Who is not active is signed out everywhere."""
    with transaction() as session:
        person = persons.set_status(session, staff_id, args["status"], by=principals.current(), now=clock.now())
        return _told(session, person)


@blueprint.post("/staff/<uuid:staff_id>/invitations")
@blueprint.response(201, InvitationSchema())
@needs("staff.write")
def invite_person_again(staff_id: UUID) -> dict[str, Any]:
    """Mail another link to who has not joined yet, or has left; the earlier one works no more."""
    now = clock.now()
    with transaction() as session:
        persons.invite_again(session, staff_id, **_invitation(), now=now)
    return {"expires_at": now + invitations.JOIN_TTL}


@blueprint.get("/me")
@blueprint.response(200, StaffMeSchema())
@needs("self")
def show_me() -> dict[str, Any]:
    """Who I am, what I may do, and what I sign in with."""
    me = principals.current()
    with transaction() as session:
        return _told(session, persons.find(session, me.id)) | {
            "permissions": sorted(me.permissions),
            "has_authenticator": totp.has_one(session, me.id),
            "recovery_codes_left": recovery_codes.left(session, me.id),
        }


@blueprint.get("/me/passkeys")
@blueprint.response(200, page_of(StaffPasskeySchema))
@needs("self")
def list_my_passkeys() -> dict[str, Any]:
    """My passkeys, oldest first; all on one page."""
    with transaction() as session:
        found = registering.of(session, Owner(staff_id=principals.current().id))
        return {"items": [_told_passkey(session, passkey) for passkey in found], "next_cursor": None}


@blueprint.post("/me/passkeys/options")
@blueprint.response(200, StaffPasskeyOptionsSchema())
@needs("self")
def begin_my_passkey() -> dict[str, Any]:
    """What to ask the browser for a new passkey with; needs a sign-in of the last five minutes."""
    now = clock.now()
    with transaction() as session:
        me = _fresh(session)
        name = staff.email_of(session, me)
        ceremony_id, options = registering.options(session, Owner(staff_id=me), name=name, now=now)
    return {"ceremony_id": ceremony_id, "passkey": options}


@blueprint.post("/me/passkeys")
@blueprint.arguments(NewStaffPasskeySchema())
@blueprint.response(201, StaffPasskeySchema())
@needs("self")
def add_my_passkey(args: dict[str, Any]) -> dict[str, Any]:
    """Keep the passkey that the browser made; needs a sign-in of the last five minutes."""
    with transaction() as session:
        return _told_passkey(session, means.add_passkey(session, _fresh(session), **args, now=clock.now()))


@blueprint.delete("/me/passkeys/<uuid:passkey_id>")
@blueprint.response(204)
@needs("self")
def remove_my_passkey(passkey_id: UUID) -> None:
    """Let a passkey of mine work no more; needs a sign-in of the last five minutes, and another means to sign in."""
    with transaction() as session:
        means.remove_passkey(session, _fresh(session), passkey_id, now=clock.now())


@blueprint.post("/me/recovery-codes")
@blueprint.response(201, RecoveryCodesSchema())
@needs("self")
def renew_my_recovery_codes() -> dict[str, Any]:
    """Ten new recovery codes, shown now and never again; needs a sign-in of the last five minutes."""
    with transaction() as session:
        return {"codes": means.renew_recovery_codes(session, _fresh(session), now=clock.now())}


def _invitation() -> dict[str, Any]:
    settings = current_app.extensions["settings"]
    return {"by": principals.current(), "brand_name": settings.brand_name, "address": settings.public_url}


def _fresh(session: Session) -> UUID:
    """Who asks, if there is such a person and they signed in just now.

    raises  NotFound, StepUpRequired
    """
    me = principals.current()
    persons.find(session, me.id)
    demands.demand(session, me, now=clock.now())
    return me.id


def _told(session: Session, person: Staff) -> dict[str, Any]:
    return {
        "id": person.id,
        "email": staff.email_of(session, person.id),
        "name": staff.name_of(session, person.id),
        "roles": person.roles,
        "permissions": person.permissions,
        "status": person.status,
        "created_at": person.created_at,
        "joined_at": person.joined_at,
    }


def _told_passkey(session: Session, passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": listing.name_of(session, passkey),
        "is_backed_up": passkey.is_backed_up,
        "made_at": passkey.made_at,
        "used_at": passkey.used_at,
    }
