"""Approving a payment with a passkey. What is to be approved, the wallet's door takes."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth.dpop import binding
from auth.step_up import approvals
from auth.step_up.api import shapes
from auth.step_up.api.schemas import ApprovalProofArgsSchema, PaymentApprovalSchema
from core import clock
from core.db import transaction
from core.errors import Refusal
from core.web import principals

blueprint = Blueprint("step_up", __name__, description="Approving a payment")


@blueprint.get("/approvals/<uuid:approval_id>")
@blueprint.response(200, PaymentApprovalSchema())
def show_approval(approval_id: UUID) -> dict[str, Any]:
    """How an approval stands."""
    with transaction() as session:
        found = approvals.find(session, approval_id, customer_id=principals.current().id)
        return shapes.approval(found, now=clock.now())


@blueprint.put("/approvals/<uuid:approval_id>/proof")
@blueprint.arguments(ApprovalProofArgsSchema())
@blueprint.response(200, PaymentApprovalSchema())
def prove_approval(args: dict[str, Any], approval_id: UUID) -> dict[str, Any]:
    """Approve by the passkey that has signed the challenge; then send the payment with the approval's id."""
    principal, now = principals.current(), clock.now()
    binding.demand(principal, now)
    with transaction() as session:
        outcome = approvals.prove(
            session,
            approval_id,
            args["credential"],
            customer_id=principal.id,
            family_id=principal.family_id,
            now=now,
        )
    if isinstance(outcome, Refusal):  # raised only now: what it counted has to be committed
        raise outcome
    return shapes.approval(outcome, now=now)
