"""What finance staff see of gift cards, and give back."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from core import clock
from core.db import transaction
from core.web import idempotent, principals
from core.web.doors import needs
from rewards.gift_cards import liability, refunds
from rewards.gift_cards.api import shapes
from rewards.gift_cards.api.schemas import LiabilitiesSchema, LiabilityArgsSchema
from wallet.documents import csv
from wallet.errors import InstantInFuture

blueprint = Blueprint("gift_cards_staff", __name__, description="Gift cards: what is owed to their holders")


class RefundedCardSchema(Schema):
    id = fields.UUID(required=True)


@blueprint.get("/gift-card-liability")
@blueprint.arguments(LiabilityArgsSchema(), location="query")
@blueprint.response(200, LiabilitiesSchema())
@needs("finance.read")
def show_liability(args: dict[str, Any]) -> dict[str, Any]:
    """What is outstanding on gift cards, by age and by who paid for it, and how much is likely never to be spent."""
    return _found(args)


@blueprint.get("/gift-card-liability.csv")
@blueprint.arguments(LiabilityArgsSchema(), location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@needs("finance.read")
def show_liability_table(args: dict[str, Any]) -> Response:
    """The same as a table, one row a figure."""
    return Response(
        shapes.liability_table(_found(args)["items"]),
        content_type=csv.CONTENT_TYPE,
        headers={"Content-Disposition": 'attachment; filename="gift-card-liability.csv"'},
    )


@blueprint.post("/gift-cards/<uuid:gift_card_id>/refunds")
@blueprint.response(201, RefundedCardSchema())
@needs("topups.refund")
@idempotent.documented
def refund_anybodys_gift_card(gift_card_id: UUID) -> Response:
    """Give a customer's bought gift card back within 14 days, if nothing was done with it."""
    actor = principals.current().name
    return idempotent.command(
        lambda session: {"id": refunds.refund_of_anybody(session, gift_card_id, actor=actor, now=clock.now())},
        schema=RefundedCardSchema(),
    )


def _found(args: dict[str, Any]) -> dict[str, Any]:
    now = clock.now()
    at = args["as_of"] or now
    if at > now:
        raise InstantInFuture
    with transaction() as session:
        return {"as_of": at, "items": liability.of(session, as_of=at)}
