"""Whether a customer's wallet can be used, and its closing."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, principals
from wallet.api.guards import refuse_when_off
from wallet.identity import statuses
from wallet.identity.api.status_schemas import ClosureArgsSchema, ClosureSchema, OwnStatusSchema, bank_account, shape

blueprint = Blueprint("wallet_closure", __name__, description="Closing a wallet")


@blueprint.get("/wallet/status")
@blueprint.response(200, OwnStatusSchema())
def show_own_wallet_status() -> dict[str, str]:
    """Whether the wallet is open, frozen or closed."""
    with transaction() as session:
        return {"status": statuses.of(session, principals.current().id)}


@blueprint.post("/wallet/closure")
@blueprint.arguments(ClosureArgsSchema())
@blueprint.response(201, ClosureSchema())
@idempotent.documented
def close_wallet(args: dict[str, Any]) -> Response:
    """Close the wallet for ever: empty, or with `pay_out_to`, where its cash goes; `forfeit` lets the rest lapse."""
    refuse_when_off()
    customer_id, now = principals.current().id, clock.now()
    return idempotent.command(
        lambda session: shape(
            statuses.close_own(
                session,
                customer_id,
                pay_out_to=bank_account(args["pay_out_to"]),
                forfeits=args["forfeit"],
                now=now,
            ),
            status="closed",
        ),
        schema=ClosureSchema(),
    )
