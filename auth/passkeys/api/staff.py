"""Customers who lost the device with their passkeys."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth.models import Approval
from auth.passkeys import recovery
from auth.passkeys.api.schemas import PasskeyRemovalArgsSchema, PasskeyRemovalDecisionSchema, PasskeyRemovalSchema
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("passkeys_staff", __name__, description="Customers who lost the device with their passkeys")


@blueprint.post("/customers/<uuid:customer_id>/passkey-removals")
@blueprint.arguments(PasskeyRemovalArgsSchema())
@blueprint.response(201, PasskeyRemovalSchema())
@needs("customers.recover")
def ask_passkey_removal(args: dict[str, str], customer_id: UUID) -> dict[str, Any]:
    """Ask to remove all passkeys of a customer who lost them; a second person decides."""
    actor = principals.current().name
    with transaction() as session:
        return _told(recovery.ask(session, customer_id, note=args["note"], asked_by=actor, now=clock.now()))


@blueprint.put("/customers/<uuid:customer_id>/passkey-removals/<uuid:approval_id>/decision")
@blueprint.arguments(PasskeyRemovalDecisionSchema())
@blueprint.response(200, PasskeyRemovalSchema())
@needs("customers.recover")
def decide_passkey_removal(args: dict[str, Any], customer_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """Agree to another person's request, or refuse it. What is agreed is done at once, and the customer is told."""
    actor = principals.current().name
    with transaction() as session:
        return _told(recovery.decide(session, customer_id, approval_id, **args, decided_by=actor, now=clock.now()))


def _told(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "customer_id": approval.customer_id,
        "passkeys": len(approval.subject["passkey_ids"]),
        "status": approval.status,
        "asked_by": approval.asked_by,
        "asked_at": approval.asked_at,
        "expires_at": approval.expires_at,
        "decided_by": approval.decided_by,
        "decided_at": approval.decided_at,
    }
