"""What a customer does with gift cards: buy, load, merge and give them to friends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.schemas import page_of
from rewards.gift_cards import buying, giving, merging, refunds
from rewards.gift_cards.api import shapes
from rewards.gift_cards.api.schemas import (
    GiftArgsSchema,
    GiftCardArgsSchema,
    GiftCardSchema,
    GiftPageArgsSchema,
    GiftSchema,
    MergeArgsSchema,
)
from rewards.gift_cards.buying import Purchase
from rewards.gift_cards.giving import NewGift
from rewards.vouchers import holdings
from wallet.api.guards import refuse_when_off
from wallet.peers.api import answers

blueprint = Blueprint("gift_cards_customer", __name__, description="Gift cards: bought, loaded, merged and given")


@blueprint.post("/gift-cards")
@blueprint.arguments(GiftCardArgsSchema())
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def buy_gift_card(args: dict[str, Any]) -> Response:
    """Buy a gift card out of the wallet's cash; give it to a friend with POST /gift-cards/{id}/gifts."""
    new = _purchase(args)
    return _command(lambda session: buying.buy(session, new, now=clock.now()))


@blueprint.post("/gift-cards/<uuid:gift_card_id>/loads")
@blueprint.arguments(GiftCardArgsSchema())
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def load_gift_card(args: dict[str, Any], gift_card_id: UUID) -> Response:
    """Put more cash onto a gift card that was bought."""
    new = _purchase(args)
    return _command(lambda session: buying.load(session, gift_card_id, new, now=clock.now()))


@blueprint.post("/gift-cards/<uuid:gift_card_id>/merges")
@blueprint.arguments(MergeArgsSchema())
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def merge_gift_card(args: dict[str, Any], gift_card_id: UUID) -> Response:
    """Move all that is left on a gift card onto another one, which is answered."""
    principal, key, fingerprint = principals.current(), idempotent.key(), idempotent.fingerprint()
    refuse_when_off()
    return _command(
        lambda session: merging.merge(
            session,
            principal=principal.name,
            key=key,
            fingerprint=fingerprint,
            customer_id=principal.id,
            from_id=gift_card_id,
            into_id=args["into_id"],
            now=clock.now(),
        )
    )


@blueprint.post("/gift-cards/<uuid:gift_card_id>/refunds")
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def refund_gift_card(gift_card_id: UUID) -> Response:
    """Give a bought gift card back within 14 days, if nothing was done with it: its money is cash again."""
    refuse_when_off()
    customer_id = principals.current().id
    return _command(lambda session: refunds.refund(session, gift_card_id, customer_id=customer_id, now=clock.now()))


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


def _purchase(args: dict[str, Any]) -> Purchase:
    refuse_when_off()
    principal = principals.current()
    return Purchase(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        customer_id=principal.id,
        lasts=timedelta(days=current_app.extensions["settings"].gift_card_least_days),
        **args["amount"],
    )


def _command(work: Callable[[Session], UUID]) -> Response:
    """Carry a deed out once; the card that it answers with, as it stands then."""
    customer_id = principals.current().id
    return idempotent.command(
        lambda session: shapes.card(holdings.find(session, customer_id, work(session), now=clock.now())),
        schema=GiftCardSchema(),
    )


def _gift(session: Session, gift_id: UUID) -> dict[str, Any]:
    customer_id = principals.current().id
    found = giving.find(session, gift_id, customer_id=customer_id)
    return shapes.gifts(session, [found], customer_id)[0]
