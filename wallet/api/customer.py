"""Payments out of the customer's wallet."""

from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from auth.dpop import binding
from auth.passkeys import asserting
from auth.step_up import approvals
from auth.step_up.api import shapes as step_up_shapes
from core import clock
from core.db import statement, transaction
from core.web import idempotent, principals
from wallet import payments
from wallet.api import shapes
from wallet.api.approval_schemas import AskedApprovalSchema, PaymentApprovalArgsSchema
from wallet.api.guards import refuse_when_off
from wallet.api.schemas import PaymentArgsSchema, PaymentSchema
from wallet.paying import approving, tips
from wallet.paying.api import in_app
from wallet.paying.approving import Wish
from wallet.payments import Payment
from wallet.peers import claims

blueprint = Blueprint("wallet_customer", __name__, description="Cash, gift-card value and points in one wallet")


@blueprint.post("/payments")
@blueprint.arguments(PaymentArgsSchema())
@blueprint.response(201, PaymentSchema())
@idempotent.documented
def create_payment(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | Response:
    """Pay a merchant, or whoever showed a code: from the wallet's cash, or from several sources.

    Above the limit of the customer's tier it needs an `approval_id`: 401 `step_up_required` says so.
    """
    refuse_when_off()
    if "code" in args or args["sources"] is not None or args["approval_id"] is not None:
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
            at=clock.now(),
        )
        posted = payments.pay(connection, payment)
    shown = payments.shown(posted.transfer_id, posted.effective_at, posted.details)
    return shown, shapes.replay_header(posted.replayed)


@blueprint.post("/approvals")
@blueprint.arguments(PaymentApprovalArgsSchema())
@blueprint.response(201, AskedApprovalSchema())
def create_approval(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask to approve with a passkey what is about to be paid or sent; it is good for two minutes, once."""
    principal, now, amount, payee = principals.current(), clock.now(), args["amount"] or {}, dict(args["payee"])
    payee.pop("link", None)
    binding.demand(principal, now)
    if args["purpose"] == "money_request" and "code" in payee:
        claims.count_link(principal.id, now=now)
    wish = Wish(
        purpose=args["purpose"],
        customer_id=principal.id,
        family_id=principal.family_id,
        tip_minor=args["tip_minor"],
        **amount,
        **payee,
    )
    with transaction() as session:
        approval, meant = approving.ask(
            session, wish, brand_name=current_app.extensions["settings"].brand_name, now=now
        )
        passkeys = approvals.passkeys_of(session, principal.id, now=now)
    options = asserting.options(approvals.challenge_of(approval), passkeys=passkeys)
    told = {**step_up_shapes.approval(approval, now=now), "payee_name": meant.name, "passkey": options}
    return told, {"Cache-Control": "no-store"}
