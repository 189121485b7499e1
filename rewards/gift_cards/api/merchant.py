"""What a till does with printed gift cards: sell them, and take a sale back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import idempotent, unproxied
from rewards.gift_cards import activations, deactivations
from rewards.gift_cards.activations import Sale
from rewards.gift_cards.api import shapes
from rewards.gift_cards.api.schemas import ActivationArgsSchema, ActivationSchema
from rewards.tills.api.signing import signed
from wallet.api.guards import refuse_when_off
from wallet.paying.api.shapes import till

blueprint = Blueprint("gift_cards_merchant", __name__, description="Printed gift cards, sold at the till")


@blueprint.post("/gift-card-activations")
@blueprint.arguments(ActivationArgsSchema())
@blueprint.response(201, ActivationSchema())
@idempotent.documented
@signed
def activate_gift_card(args: dict[str, Any]) -> Response:
    """Sell a printed gift card: once the customer has paid you for it, it is worth what is printed on it."""
    refuse_when_off()
    settings = current_app.extensions["settings"]
    sale = Sale(
        till=till(args["amount"]["currency"]),
        till_reference=args["till_reference"],
        code=args["code"],
        fingerprint=idempotent.fingerprint(),
        lasts=timedelta(days=settings.gift_card_least_days),
        owes_most_minor=settings.gift_card_merchant_most_minor,
        address=unproxied.request().remote_addr,
        **args["amount"],
    )
    return idempotent.command(
        lambda session: shapes.activation(activations.attempt(session, sale, now=clock.now())),
        schema=ActivationSchema(),
    )


@blueprint.get("/gift-card-activations/by-reference/<path:till_reference>")
@blueprint.response(200, ActivationSchema())
def show_activation_by_reference(till_reference: str) -> dict[str, Any]:
    """The gift card that this till sold under its reference, also one whose answer was lost."""
    with transaction() as session:
        return shapes.activation(activations.find(connection_of(session), till().terminal_id, till_reference))


@blueprint.put("/gift-card-activations/<uuid:activation_id>/void")
@blueprint.response(200, ActivationSchema())
@signed
def void_activation(activation_id: UUID) -> dict[str, Any]:
    """Take back what this till has sold within the last 15 minutes: the card can be sold again. Repeat until heard."""
    refuse_when_off()
    with transaction() as session:
        return shapes.activation(deactivations.void(session, activation_id, till(), now=clock.now()))
