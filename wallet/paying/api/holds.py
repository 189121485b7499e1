"""What a till does to hold a customer's value, and to take it later."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import customer_codes
from core import clock
from core.db import transaction
from core.web import idempotent, principals
from wallet import payments
from wallet.api.guards import merchant_id, refuse_when_off
from wallet.api.schemas import PaymentSchema
from wallet.paying import captures, till_holds
from wallet.paying.api import shapes
from wallet.paying.api.schemas import CaptureArgsSchema, HoldArgsSchema, HoldSchema
from wallet.paying.captures import Caught
from wallet.paying.till_holds import TillHold

blueprint = Blueprint("holds_merchant", __name__, description="Holding value now, and taking it later")


@blueprint.post("/holds")
@blueprint.arguments(HoldArgsSchema())
@blueprint.response(201, HoldSchema())
@idempotent.documented
def create_hold(args: dict[str, Any]) -> Response:
    """Hold value of the customer whose code the till has scanned: it is theirs still, but nobody else's to take."""
    refuse_when_off()
    till, now = shapes.till(args["amount"]["currency"]), clock.now()

    def work(session: Session) -> dict[str, Any]:
        asked = TillHold(
            till=till,
            customer_id=customer_codes.identify(session, args["customer_code"], now=now, is_sandbox=till.is_sandbox),
            amount_minor=args["amount"]["amount_minor"],
            currency=args["amount"]["currency"],
            till_reference=args["till_reference"],
            expires_at=now + timedelta(seconds=args["expires_in_seconds"]),
            order=args["source_order"],
            at=now,
        )
        placed = till_holds.place(session, asked)
        return _shown(session, placed.transfer_id, till.merchant_id)

    return idempotent.command(work, schema=HoldSchema())


@blueprint.get("/holds/<uuid:hold_id>")
@blueprint.response(200, HoldSchema())
def show_hold(hold_id: UUID) -> dict[str, Any]:
    """How a hold stands: open, captured, voided or expired."""
    with transaction() as session:
        return _shown(session, hold_id, merchant_id())


@blueprint.post("/holds/<uuid:hold_id>/captures")
@blueprint.arguments(CaptureArgsSchema())
@blueprint.response(201, PaymentSchema())
@idempotent.documented
def create_capture(args: dict[str, Any], hold_id: UUID) -> Response:
    """Take some or all of a hold, as often as something is left. It is a payment, which can be refunded as any."""
    refuse_when_off()
    caught = Caught(
        principal=principals.current().name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        till=shapes.till(),
        amount_minor=args["amount_minor"],
        tip_minor=args["tip_minor"],
        is_final=args["final"],
        at=clock.now(),
    )

    def work(session: Session) -> dict[str, Any]:
        posted = captures.capture(session, hold_id, caught)
        return payments.shown(posted.transfer_id, posted.effective_at, posted.details)

    return idempotent.command(work, schema=PaymentSchema())


@blueprint.post("/holds/<uuid:hold_id>/void")
@blueprint.response(201, HoldSchema())
@idempotent.documented
def create_void(hold_id: UUID) -> Response:
    """Give back what a hold still promises."""
    refuse_when_off()
    till, now = shapes.till(), clock.now()
    principal, key, fingerprint = principals.current().name, idempotent.key(), idempotent.fingerprint()

    def work(session: Session) -> dict[str, Any]:
        till_holds.void(session, hold_id, till=till, principal=principal, key=key, fingerprint=fingerprint, at=now)
        return _shown(session, hold_id, till.merchant_id)

    return idempotent.command(work, schema=HoldSchema())


def _shown(session: Session, hold_id: UUID, of_merchant: UUID) -> dict[str, Any]:
    hold, reference = till_holds.of_merchant(session, hold_id, of_merchant)
    return shapes.hold(hold, reference, now=clock.now())
