"""Payments out of the customer's wallet."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import statement
from core.web import idempotent, principals
from wallet import payments
from wallet.api import shapes
from wallet.api.guards import refuse_when_off
from wallet.api.schemas import PaymentArgsSchema, PaymentSchema
from wallet.paying import tips
from wallet.paying.api import in_app
from wallet.payments import Payment

blueprint = Blueprint("wallet_customer", __name__, description="Cash, gift-card value and points in one wallet")


@blueprint.post("/payments")
@blueprint.arguments(PaymentArgsSchema())
@blueprint.response(201, PaymentSchema())
@idempotent.documented
def create_payment(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | Response:
    """Pay a merchant, or whoever showed a code: from the wallet's cash, or from several sources."""
    refuse_when_off()
    if "code" in args or args["sources"] is not None:
        return in_app.paid(args)
    tips.check(args["tip_minor"], args["amount"]["amount_minor"])
    principal, key, fingerprint = principals.current(), idempotent.key(), idempotent.fingerprint()
    with statement() as connection:
        merchant_id = args.get("merchant_id") or payments.merchant_of_store(connection, args["store_id"])
        payment = Payment(
            principal=principal.name,
            key=key,
            fingerprint=fingerprint,
            customer_id=principal.id,
            merchant_id=merchant_id,
            store_id=args.get("store_id"),
            reference=args["reference"],
            amount_minor=args["amount"]["amount_minor"] + args["tip_minor"],
            tip_minor=args["tip_minor"],
            currency=args["amount"]["currency"],
            approval_id=args["approval_id"],
            at=clock.now(),
        )
        posted = payments.pay(connection, payment)
    shown = payments.shown(posted.transfer_id, posted.effective_at, posted.details)
    return shown, shapes.replay_header(posted.replayed)
