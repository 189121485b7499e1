"""The vouchers in the customer's wallet."""

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from core import clock, crypto
from core.db import transaction
from core.web import pages, pictures, principals
from core.web.schemas import page_of
from rewards.api import shapes
from rewards.api.schemas import VoucherPageArgs, VoucherSchema, VoucherWithCodeSchema
from rewards.vouchers import holdings

blueprint = Blueprint("rewards_customer", __name__, description="Coupons and gift cards in the wallet")


@blueprint.get("/vouchers")
@blueprint.arguments(VoucherPageArgs(), location="query")
@blueprint.response(200, page_of(VoucherSchema))
def list_vouchers(args: dict[str, Any]) -> dict[str, Any]:
    """The vouchers in the wallet, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = holdings.page(
            session,
            principals.current().id,
            state=args["state"],
            before=before,
            limit=args["limit"] + 1,
            now=clock.now(),
        )
    return pages.page(found, args["limit"], shapes.voucher)


@blueprint.get("/vouchers/<uuid:voucher_id>")
@blueprint.response(200, VoucherWithCodeSchema())
def show_voucher(voucher_id: UUID) -> dict[str, Any]:
    """A voucher with its code, to show at a till."""
    customer_id = principals.current().id
    with transaction() as session:
        held = holdings.find(session, customer_id, voucher_id, now=clock.now())
        return {**shapes.voucher(held), "code": holdings.shown_code(session, customer_id, voucher_id)}


@blueprint.get("/vouchers/<uuid:voucher_id>/qr.png")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
def show_voucher_picture(voucher_id: UUID) -> Response:
    """The voucher's code as a QR; an app may draw its own. A voucher that was a gift has another one: ask again."""
    with transaction() as session:
        code = holdings.code_of(session, principals.current().id, voucher_id)
    # Of the code, keyed: a tag must not help anybody who reads it in a log to guess.
    tag = crypto.blind_index("voucher.qr", code).hex()
    response = Response(content_type="image/png")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    if tag in request.if_none_match:  # drawing takes 9 ms, so not for who has it already
        response.status_code = 304
        return response
    response.set_data(pictures.qr_png(code))
    return response
