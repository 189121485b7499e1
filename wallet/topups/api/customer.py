"""Money in, at the customer's door: by a card's token, through the provider's payment sheet, or by itself."""

from typing import Any, cast
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.errors import InvalidInput
from core.gateways.payments import PaymentGateway
from core.web import idempotent, principals
from core.web.schemas import page_of
from wallet import topups
from wallet.api import shapes as wallet_shapes
from wallet.api.guards import refuse_when_off
from wallet.topups import TopupRequest, automatic, payers
from wallet.topups.api import shapes
from wallet.topups.api.schemas import (
    AutoTopupArgsSchema,
    AutoTopupSchema,
    IntentArgsSchema,
    IntentSchema,
    PaymentMethodSchema,
    TopupArgsSchema,
    TopupSchema,
)
from wallet.topups.automatic import Wish

blueprint = Blueprint("topups_customer", __name__, description="Bringing money into the wallet")


@blueprint.post("/topups")
@blueprint.arguments(TopupArgsSchema())
@blueprint.response(201, TopupSchema())
@idempotent.documented
def create_topup(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Bring money into the wallet from a card's token or a saved payment method."""
    refuse_when_off()
    customer_id, gateway = principals.current().id, _gateway()
    with transaction() as session:
        payer = payers.known(session, customer_id, provider=gateway.name)
    taken = topups.take(_request(args, source=args["source"], payer=payer), gateway=gateway, now=clock.now())
    shown = shapes.topup(taken.topup, taken.action, publishable_key=gateway.publishable_key)
    return shown, wallet_shapes.replay_header(taken.replayed)


@blueprint.post("/topups/intents")
@blueprint.arguments(IntentArgsSchema())
@blueprint.response(201, IntentSchema())
@idempotent.documented
def create_topup_intent(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Prepare a top-up that the customer completes in the provider's payment sheet.

    Open the sheet with what this answers; the money is in the wallet once GET /topups/{id} says `succeeded`. A card
    that the customer saves there stands in GET /payment-methods from then on.
    """
    refuse_when_off()
    gateway, now = _gateway(), clock.now()
    payer = payers.open_(principals.current().id, gateway=gateway, now=now)
    taken = topups.take(_request(args, source=None, payer=payer), gateway=gateway, now=now)
    keys = payers.sheet_keys(payer, gateway=gateway)
    shown = {
        "topup": shapes.topup(taken.topup),
        "client_secret": taken.action.client_secret if taken.action else None,
        "ephemeral_key": keys.ephemeral_key,
        "publishable_key": keys.publishable_key,
        "payer": keys.payer,
    }
    return shown, wallet_shapes.replay_header(taken.replayed)


@blueprint.get("/topups/<uuid:topup_id>")
@blueprint.response(200, TopupSchema())
def show_topup(topup_id: UUID) -> dict[str, Any]:
    """How a top-up stands."""
    with transaction() as session:
        return shapes.topup(topups.find(session, topup_id, customer_id=principals.current().id))


@blueprint.get("/payment-methods")
@blueprint.response(200, page_of(PaymentMethodSchema))
def list_payment_methods() -> dict[str, Any]:
    """The customer's saved cards, as the payment provider keeps them."""
    found = payers.methods(principals.current().id, gateway=_gateway())
    return {"items": [shapes.method(each) for each in found], "next_cursor": None}


@blueprint.delete("/payment-methods/<string:payment_method_id>")
@blueprint.response(204)
def delete_payment_method(payment_method_id: str) -> Response:
    """Have the payment provider forget a saved card; an automatic top-up by it ends."""
    customer_id = principals.current().id
    payers.detach(customer_id, payment_method_id, gateway=_gateway())
    with transaction() as session:
        automatic.drop(session, customer_id, payment_method=payment_method_id)
    return Response(status=204)


@blueprint.put("/auto-topup")
@blueprint.arguments(AutoTopupArgsSchema())
@blueprint.response(200, AutoTopupSchema())
def put_auto_topup(args: dict[str, Any]) -> dict[str, Any]:
    """Bring money in by itself whenever a payment leaves too little, five times a day at most."""
    refuse_when_off()
    if args["below"]["currency"] != args["amount"]["currency"]:
        raise InvalidInput(errors=[{"pointer": "/amount/currency", "detail": "Must be the currency of below."}])
    wish = Wish(
        currency=args["amount"]["currency"],
        below_minor=args["below"]["amount_minor"],
        amount_minor=args["amount"]["amount_minor"],
        payment_method=args["payment_method"],
    )
    kept = automatic.set_(principals.current().id, wish, gateway=_gateway(), now=clock.now())
    return shapes.auto_topup(kept)


@blueprint.get("/auto-topup")
@blueprint.response(200, AutoTopupSchema())
def show_auto_topup() -> dict[str, Any]:
    """The automatic top-up that the customer has set, if any."""
    with transaction() as session:
        return shapes.auto_topup(automatic.find(session, principals.current().id))


@blueprint.delete("/auto-topup")
@blueprint.response(204)
def delete_auto_topup() -> Response:
    """Bring no more money in by itself."""
    with transaction() as session:
        automatic.drop(session, principals.current().id)
    return Response(status=204)


def _gateway() -> PaymentGateway:
    return cast(PaymentGateway, current_app.extensions["gateways"].payments)


def _request(args: dict[str, Any], *, source: str | None, payer: str | None) -> TopupRequest:
    principal = principals.current()
    return TopupRequest(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        customer_id=principal.id,
        amount_minor=args["amount"]["amount_minor"],
        currency=args["amount"]["currency"],
        source=source,
        payer=payer,
        way="sheet" if source is None else "source",
    )
