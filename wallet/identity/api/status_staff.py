"""Staff freeze, open and close customers' wallets."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import demand, needs
from wallet.api.guards import refuse_when_off
from wallet.identity import statuses
from wallet.identity.api.status_schemas import (
    WalletStatusArgsSchema,
    WalletStatusChangeSchema,
    WalletStatusSchema,
    bank_account,
    shape,
)

blueprint = Blueprint("wallet_status_staff", __name__, description="Freezing and closing customers' wallets")


@blueprint.get("/customers/<uuid:customer_id>/wallet-status")
@blueprint.response(200, WalletStatusSchema())
@needs("wallets.read")
def show_wallet_status(customer_id: UUID) -> dict[str, Any]:
    """Whether a customer's wallet is open, frozen or closed."""
    with transaction() as session:
        customers.find(session, customer_id)
        return {"customer_id": customer_id, "status": statuses.of(session, customer_id)}


@blueprint.put("/customers/<uuid:customer_id>/wallet-status")
@blueprint.arguments(WalletStatusArgsSchema())
@blueprint.response(200, WalletStatusChangeSchema())
@needs("wallets.freeze")
def set_wallet_status(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Freeze a customer's wallet (nothing may leave it), open it again, or, with `wallets.close`, close it for ever."""
    if args["status"] == "closed":
        demand("wallets.close")
    if args["pay_out_to"] is not None:
        refuse_when_off()
    with transaction() as session:
        customers.find(session, customer_id)
        closure = statuses.set_(
            session,
            customer_id,
            status=args["status"],
            reason=args["reason"],
            actor=principals.current().name,
            now=clock.now(),
            pay_out_to=bank_account(args["pay_out_to"]),
            forfeits=args["forfeit"],
        )
    return shape(closure, customer_id=customer_id, status=args["status"])
