"""What a customer does with gift cards: buy, load and merge them, and give them back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.web import idempotent, principals
from rewards.gift_cards import buying, merging, refunds
from rewards.gift_cards.api import shapes
from rewards.gift_cards.api.schemas import (
    GiftCardArgsSchema,
    GiftCardSchema,
    MergeArgsSchema,
)
from rewards.gift_cards.buying import Purchase
from rewards.vouchers import holdings
from wallet.api import approving
from wallet.api.guards import refuse_when_off

blueprint = Blueprint("gift_cards_customer", __name__, description="Gift cards: bought, loaded, merged and given back")


@blueprint.post("/gift-cards")
@blueprint.arguments(GiftCardArgsSchema())
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def buy_gift_card(args: dict[str, Any]) -> Response:
    """Buy a gift card out of the wallet's cash; give it to a friend with POST /vouchers/{id}/gifts."""
    new = _purchase(args)
    return _command(lambda session: buying.buy(session, new, now=clock.now()), new.approval_id)


@blueprint.post("/gift-cards/<uuid:gift_card_id>/loads")
@blueprint.arguments(GiftCardArgsSchema())
@blueprint.response(201, GiftCardSchema())
@idempotent.documented
def load_gift_card(args: dict[str, Any], gift_card_id: UUID) -> Response:
    """Put more cash onto a gift card that was bought."""
    new = _purchase(args)
    return _command(lambda session: buying.load(session, gift_card_id, new, now=clock.now()), new.approval_id)


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


def _purchase(args: dict[str, Any]) -> Purchase:
    refuse_when_off()
    principal = principals.current()
    return Purchase(
        principal=principal.name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        customer_id=principal.id,
        lasts=timedelta(days=current_app.extensions["settings"].gift_card_least_days),
        approval_id=args["approval_id"],
        **args["amount"],
    )


def _command(work: Callable[[Session], UUID], approval_id: UUID | None = None) -> Response:
    """Carry a deed out once; the card that it answers with, as it stands then."""
    customer_id = principals.current().id
    return idempotent.command(
        lambda session: shapes.card(holdings.find(session, customer_id, work(session), now=clock.now())),
        schema=GiftCardSchema(),
        beside=approving.beside(approval_id),
    )
