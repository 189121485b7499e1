"""A customer's passkeys."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import customers
from auth.dpop import binding
from auth.passkeys import listing, registering, trust
from auth.passkeys.api.schemas import PasskeyArgsSchema, PasskeyNameSchema, PasskeyOptionsSchema, PasskeySchema
from auth.passkeys.models import Passkey
from auth.proofs import ONE_FACTOR, Owner
from auth.step_up import demands
from core import clock
from core.db import transaction
from core.web import principals
from core.web.schemas import page_of

blueprint = Blueprint("passkeys", __name__, description="Passkeys")


@blueprint.post("/passkeys/options")
@blueprint.response(200, PasskeyOptionsSchema())
def begin_passkey() -> dict[str, Any]:
    """What to ask the platform for a new passkey with; needs a sign-in of the last five minutes."""
    now = clock.now()
    binding.demand(principals.current(), now)
    with transaction() as session:
        owner = _fresh_owner(session)
        # The platform's dialogue and cloud show it: enough to be known by to who knows the number.
        name = f"•••{customers.phone_of(session, owner.id)[-4:]}"
        refusal = registering.count(session, owner, now=now)
        if refusal is None:
            ceremony_id, options = registering.options(session, owner, name=name, now=now)
    if refusal is not None:
        raise refusal
    return {"ceremony_id": ceremony_id, "passkey": options}


@blueprint.post("/passkeys")
@blueprint.arguments(PasskeyArgsSchema())
@blueprint.response(201, PasskeySchema())
def create_passkey(args: dict[str, Any]) -> dict[str, Any]:
    """Keep the passkey that the platform made; needs a sign-in of the last five minutes."""
    now = clock.now()
    binding.demand(principals.current(), now)
    with transaction() as session:
        owner = _fresh_owner(session)
        is_trusted = trust.is_due(session, owner, acr=principals.current().acr, now=now)
        return _told(session, registering.add(session, owner, **args, is_trusted=is_trusted, now=now))


@blueprint.get("/passkeys")
@blueprint.response(200, page_of(PasskeySchema))
def list_passkeys() -> dict[str, Any]:
    """My passkeys, oldest first; all on one page."""
    with transaction() as session:
        found = registering.of(session, demands.owner_of(principals.current()))
        return {"items": [_told(session, passkey) for passkey in found], "next_cursor": None}


@blueprint.patch("/passkeys/<uuid:passkey_id>")
@blueprint.arguments(PasskeyNameSchema())
@blueprint.response(200, PasskeySchema())
def rename_passkey(args: dict[str, str], passkey_id: UUID) -> dict[str, Any]:
    """Call a passkey something else."""
    with transaction() as session:
        return _told(session, listing.rename(session, demands.owner_of(principals.current()), passkey_id, args["name"]))


@blueprint.delete("/passkeys/<uuid:passkey_id>")
@blueprint.response(204)
def remove_passkey(passkey_id: UUID) -> None:
    """Let a passkey work no more; needs a sign-in of the last five minutes, by a passkey unless this one is new."""
    now, principal = clock.now(), principals.current()
    owner = demands.owner_of(principal)
    binding.demand(principal, now)
    with transaction() as session:
        passkey = listing.find(session, owner, passkey_id)
        # A new one that somebody else made is to go as easily as it came.
        demands.demand(session, principal, at_least=ONE_FACTOR if listing.is_young(passkey, now) else None, now=now)
        listing.remove(session, owner, passkey_id, now=now)


def _fresh_owner(session: Session) -> Owner:
    """raises  StepUpRequired"""
    principal = principals.current()
    demands.demand(session, principal, now=clock.now())
    return demands.owner_of(principal)


def _told(session: Session, passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": listing.name_of(session, passkey),
        "is_backed_up": passkey.is_backed_up,
        "made_at": passkey.made_at,
        "used_at": passkey.used_at,
        "approves_from": passkey.approves_from,
    }
