"""What staff give back for a customer who was wronged at a till."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core.web import idempotent, principals
from core.web.doors import needs
from rewards.rollbacks import redemptions
from rewards.rollbacks.api import shapes
from rewards.rollbacks.api.schemas import RedemptionRollbackArgsSchema, RollbackSchema
from wallet.api.guards import refuse_when_off

blueprint = Blueprint("rollbacks_staff", __name__, description="Giving back what vouchers took off")


@blueprint.post("/redemptions/<uuid:redemption_id>/rollbacks")
@blueprint.arguments(RedemptionRollbackArgsSchema())
@blueprint.response(201, RollbackSchema())
@idempotent.documented
@needs("redemptions.roll_back")
def create_redemption_rollback(args: dict[str, Any], redemption_id: UUID) -> Response:
    """Give back what a voucher by itself took off, or a part of it; with the last of it, the voucher's use."""
    refuse_when_off()
    actor, amount, deed = principals.current().name, args["amount_minor"], shapes.deed(args["reason"])
    return idempotent.command(
        lambda session: shapes.rollback(
            redemptions.roll_back_by_staff(session, redemption_id, amount, deed, actor=actor)
        ),
        schema=RollbackSchema(),
    )
