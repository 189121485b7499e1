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
from rewards.gifts import claims, fresh, giving
from rewards.gifts.api import shapes
from rewards.gifts.api.schemas import (
    GiftArgsSchema,
    GiftClaimArgsSchema,
    GiftPageArgsSchema,
    GiftSchema,
    GiftWithLinkSchema,
)
from rewards.gifts.giving import NewGift
from rewards.gifts.models import Gift
from wallet.api.guards import refuse_when_off
from wallet.peers.api import answers
from wallet.peers.claims import count_link

blueprint = Blueprint("gifts_customer", __name__, description="Gifts to friends")


@blueprint.post("/vouchers/<uuid:voucher_id>/gifts")
@blueprint.arguments(GiftArgsSchema())
@blueprint.response(201, GiftWithLinkSchema())
@idempotent.documented
def give_voucher(args: dict[str, Any], voucher_id: UUID) -> Response:
    """Give a coupon or a gift card to a friend, by their number or by a link, now or on a day of your choice.

    A gift card worth more than may be sent without a passkey needs a sign-in of the last five minutes.
    """
    refuse_when_off()
    giver, now = principals.current(), clock.now()
    new = NewGift(voucher_id=voucher_id, giver_id=giver.id, **args)
    unproved = fresh.unproved(giver, now=now)

    def work(session: Session) -> Gift:
        gift = giving.give(session, new, now=now)
        fresh.demand(session, giver, gift, unproved=unproved, now=now)
        return gift

    return answers.command(work, show=_made, schema=GiftWithLinkSchema())


@blueprint.post("/gifts/claims")
@blueprint.arguments(GiftClaimArgsSchema())
@blueprint.response(201, GiftSchema())
@idempotent.documented
def claim_gift(args: dict[str, Any]) -> Response:
    """Take the gift behind a link: whoever opens it first has it."""
    refuse_when_off()
    customer_id, now = principals.current().id, clock.now()
    count_link(customer_id, now=now)
    return answers.command(
        lambda session: claims.claim(session, code=args["code"], receiver_id=customer_id, now=now),
        show=_shown,
        schema=GiftSchema(),
    )


@blueprint.get("/gifts")
@blueprint.arguments(GiftPageArgsSchema(), location="query")
@blueprint.response(200, page_of(GiftSchema))
def list_gifts(args: dict[str, Any]) -> dict[str, Any]:
    """Gifts given and received, latest first."""
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
        return _shown(session, gift_id)


@blueprint.put("/gifts/<uuid:gift_id>/cancellation")
@blueprint.response(200, GiftSchema())
def cancel_gift(gift_id: UUID) -> dict[str, Any]:
    """Take a gift back that nobody has received yet."""
    with transaction() as session:
        giving.cancel(session, gift_id, giver_id=principals.current().id, now=clock.now())
        return _shown(session, gift_id)


def _shown(session: Session, gift_id: UUID) -> dict[str, Any]:
    customer_id = principals.current().id
    found = giving.find(session, gift_id, customer_id=customer_id)
    return shapes.gifts(session, [found], customer_id)[0]


def _made(session: Session, gift_id: UUID) -> dict[str, Any]:
    made = giving.find(session, gift_id, customer_id=principals.current().id)
    return _shown(session, gift_id) | {"link": shapes.link_to(made, answers.brand())}
