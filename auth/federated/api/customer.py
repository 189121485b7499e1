"""A customer's identities at Apple and Google."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth.dpop import binding
from auth.federated import checking, identities, linking, nonces
from auth.federated.api.schemas import ProviderIdentityArgsSchema, ProviderIdentitySchema, ProviderNonceSchema
from auth.federated.models import Identity
from auth.step_up import demands
from core import clock
from core.db import transaction
from core.web import principals
from core.web.schemas import page_of

blueprint = Blueprint("auth_identities", __name__, description="Signing in with Apple and Google")


@blueprint.get("/identities")
@blueprint.response(200, page_of(ProviderIdentitySchema))
def list_identities() -> dict[str, Any]:
    """The identities that I can sign in by; all on one page."""
    with transaction() as session:
        found = identities.of_customer(session, principals.current().id)
        return {"items": [_told(one, identities.email_of(session, one)) for one in found], "next_cursor": None}


@blueprint.post("/identities/nonces")
@blueprint.response(201, ProviderNonceSchema())
def begin_identity() -> dict[str, Any]:
    """A nonce to sign in to Apple or Google with, good once and for ten minutes."""
    given = nonces.give(principals.current().id, now=clock.now())
    return {"handle": given.handle, "nonce": checking.spell(given.nonce), "expires_in": int(nonces.TTL.total_seconds())}


@blueprint.post("/identities")
@blueprint.arguments(ProviderIdentityArgsSchema())
@blueprint.response(201, ProviderIdentitySchema())
def link_identity(args: dict[str, Any]) -> dict[str, Any]:
    """Sign in by this identity as well from now on; needs a sign-in of the last five minutes."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        demands.demand(session, principal, now=now)
    identity, email = linking.prove_and_link(principal.id, **args, now=now)
    return _told(identity, email)


@blueprint.delete("/identities/<uuid:identity_id>")
@blueprint.response(204)
def unlink_identity(identity_id: UUID) -> None:
    """Sign in by this identity no more; needs a sign-in of the last five minutes."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        demands.demand(session, principal, now=now)
        identities.unlink(session, principal.id, identity_id, now=now)


def _told(identity: Identity, email: str | None) -> dict[str, Any]:
    return {
        "id": identity.id,
        "provider": identity.provider,
        "email": email,
        "linked_at": identity.linked_at,
        "used_at": identity.used_at,
    }
