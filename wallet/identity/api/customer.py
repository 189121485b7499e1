"""The customer's identity: have it checked, see how that stands."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.web import idempotent, principals
from wallet import limits
from wallet.api.shapes import replay_header
from wallet.identity import checks, sealed
from wallet.identity.api.schemas import IdentityCheckArgsSchema, IdentityCheckSchema, IdentitySchema
from wallet.identity.checks import CheckRequest
from wallet.identity.models import IdentityCheck

blueprint = Blueprint("identity_customer", __name__, description="Proving who one is, for higher limits")


@blueprint.post("/identity-checks")
@blueprint.arguments(IdentityCheckArgsSchema())
@blueprint.response(201, IdentityCheckSchema())
@idempotent.documented
def create_identity_check(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Have the customer's identity checked; `sdk_token` opens the provider's screens."""
    principal = principals.current()
    submitted = checks.submit(
        CheckRequest(
            principal=principal.name,
            key=idempotent.key(),
            fingerprint=idempotent.fingerprint(),
            customer_id=principal.id,
            document_token=args["document_token"],
        ),
        gateway=current_app.extensions["gateways"].identity,
        now=clock.now(),
    )
    with transaction() as session:
        return _shown(session, submitted.check), replay_header(submitted.replayed)


@blueprint.get("/identity-checks/<uuid:identity_check_id>")
@blueprint.response(200, IdentityCheckSchema())
def show_identity_check(identity_check_id: UUID) -> dict[str, Any]:
    """How an identity check stands."""
    with transaction() as session:
        return _shown(session, checks.find(session, identity_check_id, customer_id=principals.current().id))


@blueprint.get("/identity")
@blueprint.response(200, IdentitySchema())
def show_identity() -> dict[str, Any]:
    """The customer's tier, and the latest check."""
    customer_id = principals.current().id
    with transaction() as session:
        check = checks.latest(session, customer_id)
        return {"tier": limits.tier_of(session, customer_id), "check": _shown(session, check) if check else None}


def _shown(session: Session, check: IdentityCheck) -> dict[str, Any]:
    handover = sealed.opened_handover(session, check)
    return {
        "id": check.id,
        "status": check.state,
        "reasons": check.reasons,
        "sdk_token": handover.token,
        "url": handover.url,
        "created_at": check.created_at,
        "decided_at": check.decided_at,
    }
