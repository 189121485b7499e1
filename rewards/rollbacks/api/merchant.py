"""What a till and a merchant do to give back what was taken: by line, whole, within minutes, or by reference alone."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.errors import InvalidInput
from core.web import idempotent
from rewards.rollbacks import checkouts, redeemed, redemptions, reversing
from rewards.rollbacks.api import shapes
from rewards.rollbacks.api.schemas import (
    CheckoutRollbackArgsSchema,
    RedemptionRollbackArgsSchema,
    RedemptionStateSchema,
    ReversalSchema,
    RollbackSchema,
)
from rewards.tills.api.signing import signed
from wallet.api.guards import merchant_id, refuse_when_off
from wallet.paying.api.schemas import MOST_REFERENCE
from wallet.paying.api.shapes import till

blueprint = Blueprint("rollbacks_merchant", __name__, description="Giving back what was taken, vouchers included")


@blueprint.post("/checkouts/<uuid:checkout_id>/rollbacks")
@blueprint.arguments(CheckoutRollbackArgsSchema())
@blueprint.response(201, RollbackSchema())
@idempotent.documented
@signed
def create_checkout_rollback(args: dict[str, Any], checkout_id: UUID) -> Response:
    """Give a basket back, whole or by line: each voucher's part to where it came from, and its use with the last."""
    refuse_when_off()
    owner, lines, deed = merchant_id(), shapes.lines(args["lines"]), shapes.deed(args["reason"])
    return idempotent.command(
        lambda session: shapes.rollback(checkouts.roll_back(session, checkout_id, lines, deed, merchant_id=owner)),
        schema=RollbackSchema(),
    )


@blueprint.post("/redemptions/<uuid:redemption_id>/rollbacks")
@blueprint.arguments(RedemptionRollbackArgsSchema())
@blueprint.response(201, RollbackSchema())
@idempotent.documented
@signed
def create_redemption_rollback(args: dict[str, Any], redemption_id: UUID) -> Response:
    """Give back what a voucher by itself took off, or a part of it; with the last of it, the voucher's use."""
    refuse_when_off()
    owner, amount, deed = merchant_id(), args["amount_minor"], shapes.deed(args["reason"])
    return idempotent.command(
        lambda session: shapes.rollback(redemptions.roll_back(session, redemption_id, amount, deed, merchant_id=owner)),
        schema=RollbackSchema(),
    )


@blueprint.put("/redemptions/<uuid:redemption_id>/void")
@blueprint.response(200, RollbackSchema())
@signed
def put_void(redemption_id: UUID) -> dict[str, Any]:
    """Take back what this till has redeemed within the last 15 minutes. Repeat until heard."""
    refuse_when_off()
    with transaction() as session:
        return shapes.rollback(redemptions.void(session, redemption_id, till(), at=clock.now()))


@blueprint.get("/redemptions/by-reference/<path:till_reference>")
@blueprint.response(200, RedemptionStateSchema())
def show_redemption_by_reference(till_reference: str) -> dict[str, Any]:
    """The redemption that this till made under its reference, also one whose answer was lost."""
    with transaction() as session:
        return shapes.redemption(redeemed.find(connection_of(session), till().terminal_id, till_reference))


@blueprint.put("/reversals/<path:till_reference>")
@blueprint.response(200, ReversalSchema())
@signed
def put_reversal(till_reference: str) -> dict[str, Any]:
    """Take back what this till took under a reference, and let there be nothing any more. Repeat until heard."""
    refuse_when_off()
    if len(till_reference) > MOST_REFERENCE:
        detail = f"Must be 1 to {MOST_REFERENCE} characters."
        raise InvalidInput(errors=[{"pointer": "/till_reference", "detail": detail}])
    with transaction() as session:
        return shapes.reversal(reversing.reverse(session, till(), till_reference, at=clock.now()))
