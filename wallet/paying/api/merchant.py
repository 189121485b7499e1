"""What a till does to be paid: show a code, take a customer's code, look for a payment whose answer was lost."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from auth import customer_codes
from core import clock
from core.db import connection_of, transaction
from core.web import idempotent, pictures
from wallet import payments
from wallet.api.guards import refuse_when_off
from wallet.api.schemas import PaymentSchema
from wallet.paying import codes, requests, reversals, till_payments
from wallet.paying.api import shapes
from wallet.paying.api.schemas import (
    PaymentRequestArgsSchema,
    PaymentRequestSchema,
    StoreCodeSchema,
    TillPaymentArgsSchema,
)
from wallet.paying.requests import Asked
from wallet.paying.till_payments import TillPayment

blueprint = Blueprint("paying_merchant", __name__, description="Being paid at a till")

_PNG = {"type": "string", "format": "binary"}


@blueprint.get("/store-code")
@blueprint.response(200, StoreCodeSchema())
def show_store_code() -> dict[str, Any]:
    """The store's own code, to print: whoever scans it says how much to pay."""
    with transaction() as session:
        return {"code": codes.of_store(session, shapes.till())}


@blueprint.get("/store-code.png")
@blueprint.response(200, _PNG, content_type="image/png")
def show_store_code_picture() -> Response:
    """The store's own code, drawn."""
    with transaction() as session:
        text = codes.of_store(session, shapes.till())
    return Response(pictures.qr_png(text), content_type="image/png")


@blueprint.post("/payment-requests")
@blueprint.arguments(PaymentRequestArgsSchema())
@blueprint.response(201, PaymentRequestSchema())
def create_payment_request(args: dict[str, Any]) -> dict[str, Any]:
    """Ask for a basket to be paid: show `code` as a QR, then ask GET until it is paid. The same again is the same."""
    refuse_when_off()
    now = clock.now()
    asked = Asked(
        till=shapes.till(args["amount"]["currency"]),
        till_reference=args["till_reference"],
        amount_minor=args["amount"]["amount_minor"],
        currency=args["amount"]["currency"],
        tip_allowed=args["tip_allowed"],
        expires_at=now + timedelta(seconds=args["expires_in_seconds"]),
    )
    with transaction() as session:
        return shapes.request(session, requests.create(session, asked, now=now), now=now)


@blueprint.get("/payment-requests/<uuid:request_id>")
@blueprint.response(200, PaymentRequestSchema())
def show_payment_request(request_id: UUID) -> dict[str, Any]:
    """Whether a basket has been paid: open, paid, cancelled or expired."""
    with transaction() as session:
        kept = requests.find(session, request_id, terminal_id=shapes.till().terminal_id)
        return shapes.request(session, kept, now=clock.now())


@blueprint.get("/payment-requests/<uuid:request_id>/code.png")
@blueprint.response(200, _PNG, content_type="image/png")
def show_payment_request_picture(request_id: UUID) -> Response:
    """The code of one basket, drawn."""
    with transaction() as session:
        kept = requests.find(session, request_id, terminal_id=shapes.till().terminal_id)
        text = codes.of_request(session, kept)
    return Response(pictures.qr_png(text), content_type="image/png")


@blueprint.put("/payment-requests/<uuid:request_id>/cancellation")
@blueprint.response(200, PaymentRequestSchema())
def cancel_payment_request(request_id: UUID) -> dict[str, Any]:
    """Let nobody pay this basket any more."""
    now = clock.now()
    with transaction() as session:
        kept = requests.cancel(session, request_id, terminal_id=shapes.till().terminal_id, now=now)
        return shapes.request(session, kept, now=now)


@blueprint.post("/payments")
@blueprint.arguments(TillPaymentArgsSchema())
@blueprint.response(201, PaymentSchema())
@idempotent.documented
def create_payment(args: dict[str, Any]) -> Response:
    """Take a payment from the customer whose code the till has scanned, out of all that they have in their wallet."""
    refuse_when_off()
    till, now = shapes.till(args["amount"]["currency"]), clock.now()

    def work(session: Any) -> dict[str, Any]:
        posted = till_payments.take(
            session,
            TillPayment(
                till=till,
                customer_id=customer_codes.identify(
                    session, args["customer_code"], now=now, is_sandbox=till.is_sandbox
                ),
                amount_minor=args["amount"]["amount_minor"],
                currency=args["amount"]["currency"],
                till_reference=args["till_reference"],
                tip_minor=args["tip_minor"],
                order=args["source_order"],
                at=now,
            ),
        )
        return payments.shown(posted.transfer_id, posted.effective_at, posted.details)

    return idempotent.command(work, schema=PaymentSchema())


@blueprint.get("/payments/by-reference/<path:till_reference>")
@blueprint.response(200, PaymentSchema())
def show_payment_by_reference(till_reference: str) -> dict[str, Any]:
    """The payment that this till took under its reference, also one whose answer was lost."""
    with transaction() as session:
        return reversals.payment_of(connection_of(session), shapes.till(), till_reference)
