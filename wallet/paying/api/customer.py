"""What a customer does to pay: read a merchant's code, choose what pays first."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.schemas import PageArgs, page_of
from wallet.api.guards import refuse_when_off
from wallet.paying import codes, gift_topups, preferences, till_holds
from wallet.paying.api import shapes
from wallet.paying.api.schemas import (
    CodeArgsSchema,
    GiftCardTopupArgsSchema,
    GiftCardTopupSchema,
    HoldSchema,
    PreferencesSchema,
    SeenCodeSchema,
)

blueprint = Blueprint("paying_customer", __name__, description="Paying by a merchant's code")


@blueprint.post("/payment-codes/read")
@blueprint.arguments(CodeArgsSchema())
@blueprint.response(200, SeenCodeSchema())
def read_code(args: dict[str, Any]) -> dict[str, Any]:
    """Whom a scanned code would pay, and how much: ask this before POST /payments with the code."""
    with transaction() as session:
        return shapes.seen(codes.read(session, args["code"], now=clock.now()))


@blueprint.get("/payment-preferences")
@blueprint.response(200, PreferencesSchema())
def show_preferences() -> dict[str, Any]:
    """What pays first: promotional value, gift cards, points or cash."""
    with transaction() as session:
        return {"sources": preferences.of_customer(session, principals.current().id)}


@blueprint.put("/payment-preferences")
@blueprint.arguments(PreferencesSchema())
@blueprint.response(200, PreferencesSchema())
def put_preferences(args: dict[str, Any]) -> dict[str, Any]:
    """Choose what pays first, where a payment does not say."""
    with transaction() as session:
        preferences.put(session, principals.current().id, args["sources"], now=clock.now())
        return {"sources": args["sources"]}


@blueprint.get("/holds")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(HoldSchema))
def list_holds(args: dict[str, Any]) -> dict[str, Any]:
    """What merchants hold of the customer's value, and held before, latest first."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = till_holds.of_customer(session, principals.current().id, before=before, limit=limit + 1)
        now = clock.now()
        return pages.page(found, limit, lambda row: shapes.hold(*row, now=now), at=lambda row: row[0].id)


@blueprint.post("/gift-cards/<uuid:gift_card_id>/top-ups")
@blueprint.arguments(GiftCardTopupArgsSchema())
@blueprint.response(201, GiftCardTopupSchema())
@idempotent.documented
def create_gift_card_topup(args: dict[str, Any], gift_card_id: UUID) -> Response:
    """Move a gift card's value into the wallet: what was paid for is cash then, what the brand gave is promotional."""
    refuse_when_off()
    principal, key, fingerprint = principals.current(), idempotent.key(), idempotent.fingerprint()
    return idempotent.command(
        lambda session: shapes.gift_topup(
            gift_topups.take(
                session,
                principal=principal.name,
                key=key,
                fingerprint=fingerprint,
                customer_id=principal.id,
                voucher_id=gift_card_id,
                amount_minor=args["amount_minor"],
                at=clock.now(),
            )
        ),
        schema=GiftCardTopupSchema(),
    )
