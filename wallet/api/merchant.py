"""What a merchant does with payments: give one back, see what it is owed."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, principals
from wallet import balances, refunds
from wallet.api import shapes
from wallet.api.guards import merchant_id, refuse_when_off
from wallet.api.schemas import PayableSchema, RefundArgsSchema, RefundSchema

blueprint = Blueprint("wallet_merchant", __name__, description="Payments to this merchant")


@blueprint.post("/payments/<uuid:payment_id>/refunds")
@blueprint.arguments(RefundArgsSchema())
@blueprint.response(201, RefundSchema())
@idempotent.documented
def create_refund(args: dict[str, Any], payment_id: UUID) -> Response:
    """Give a payment back, whole or in part, to where it came from."""
    refuse_when_off()
    principal, key, fingerprint = principals.current(), idempotent.key(), idempotent.fingerprint()
    return idempotent.command(
        lambda session: refunds.shown(
            refunds.refund(
                session,
                principal=principal.name,
                key=key,
                fingerprint=fingerprint,
                payment_id=payment_id,
                merchant_id=merchant_id(),
                amount_minor=args["amount_minor"],
                reference=args["reference"],
                at=clock.now(),
            )
        ),
        schema=RefundSchema(),
    )


@blueprint.get("/balance")
@blueprint.response(200, PayableSchema())
def show_balance() -> dict[str, Any]:
    """What the brand owes this merchant."""
    with transaction() as session:
        return shapes.payable(balances.of(session, f"merchant:{merchant_id()}"))
