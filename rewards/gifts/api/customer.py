"""What a customer gives to friends, and receives from them."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.schemas import page_of
from rewards.gifts import giving
from rewards.gifts.api import shapes
from rewards.gifts.api.schemas import GiftArgsSchema, GiftPageArgsSchema, GiftSchema
from rewards.gifts.giving import NewGift
from wallet.api.guards import refuse_when_off
from wallet.peers.api import answers

blueprint = Blueprint("gifts_customer", __name__, description="Gifts to friends")


@blueprint.post("/gift-cards/<uuid:gift_card_id>/gifts")
@blueprint.arguments(GiftArgsSchema())
@blueprint.response(201, GiftSchema())
@idempotent.documented
def give_gift_card(args: dict[str, Any], gift_card_id: UUID) -> Response:
    """Give a gift card to a friend by their number, now or on a day of your choice."""
    refuse_when_off()
    new = NewGift(card_id=gift_card_id, giver_id=principals.current().id, **args)
    return answers.command(lambda session: giving.give(session, new, now=clock.now()), show=_gift, schema=GiftSchema())


@blueprint.get("/gifts")
@blueprint.arguments(GiftPageArgsSchema(), location="query")
@blueprint.response(200, page_of(GiftSchema))
def list_gifts(args: dict[str, Any]) -> dict[str, Any]:
    """Gift cards given and received, latest first."""
    before = pages.before(args["cursor"])
    customer_id, limit = principals.current().id, args["limit"]
    with transaction() as session:
        found = giving.page(
            session, customer_id=customer_id, direction=args["direction"], before=before, limit=limit + 1
        )
        return pages.page(shapes.gifts(session, found, customer_id), limit, at=lambda shown: shown["id"])


@blueprint.get("/gifts/<uuid:gift_id>")
@blueprint.response(200, GiftSchema())
def show_gift(gift_id: UUID) -> dict[str, Any]:
    """How a gift stands."""
    with transaction() as session:
        return _gift(session, gift_id)


@blueprint.put("/gifts/<uuid:gift_id>/cancellation")
@blueprint.response(200, GiftSchema())
def cancel_gift(gift_id: UUID) -> dict[str, Any]:
    """Take a gift back that nobody has received yet."""
    with transaction() as session:
        giving.cancel(session, gift_id, giver_id=principals.current().id, now=clock.now())
        return _gift(session, gift_id)


def _gift(session: Session, gift_id: UUID) -> dict[str, Any]:
    customer_id = principals.current().id
    found = giving.find(session, gift_id, customer_id=customer_id)
    return shapes.gifts(session, [found], customer_id)[0]
