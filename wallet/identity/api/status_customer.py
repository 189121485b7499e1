"""Whether a customer's wallet can be used, and its closing."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth.dpop import binding
from auth.step_up import demands
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
    """Close the wallet for ever: empty, or with `pay_out_to`, where its cash goes; `forfeit` lets the rest lapse.

    With `pay_out_to` it needs a sign-in of the last five minutes.
    """
    refuse_when_off()
    principal, now = principals.current(), clock.now()
    pay_out_to = bank_account(args["pay_out_to"])
    if pay_out_to is not None:
        binding.demand(principal, now)

    def work(session: Session) -> dict[str, Any]:
        # All that a customer has would go to whatever account the request names.
        if pay_out_to is not None:
            demands.demand(session, principal, now=now)
        closed = statuses.close_own(
            session, principal.id, pay_out_to=pay_out_to, forfeits=args["forfeit"], now=now
        )  # fmt: skip
        return shape(closed, status="closed")

    return idempotent.command(work, schema=ClosureSchema())
