"""The first screen of the apps in one request: what no single room knows alone."""

from typing import Any

from flask import current_app
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from core import clock
from core.db import transaction
from core.web import principals
from engage import inbox
from rewards.api import shapes as reward_shapes
from rewards.api.schemas import VoucherSchema
from rewards.vouchers import holdings
from wallet import balances, statements
from wallet.api import shapes as wallet_shapes
from wallet.api.schemas import BalanceSchema, EntrySchema

blueprint = Blueprint("home", __name__, description="What the first screen shows")

_VOUCHERS, _ENTRIES = 3, 5


class HomeSchema(Schema):
    balances = fields.List(fields.Nested(BalanceSchema()), required=True)
    expiring_next = fields.List(
        fields.Nested(VoucherSchema()), required=True, metadata={"description": "Vouchers to use soon."}
    )
    unread_count = fields.Integer(required=True, metadata={"description": "In the inbox, of what is still of use."})
    latest_entries = fields.List(fields.Nested(EntrySchema()), required=True)
    minimum_app_version = fields.String(
        required=True, metadata={"description": "An older app should ask its customer to update."}
    )


@blueprint.get("/home")
@blueprint.response(200, HomeSchema())
def show_home() -> dict[str, Any]:
    """Balances, the vouchers that expire next, unread messages and the latest entries; send If-None-Match."""
    customer, now = principals.current(), clock.now()
    with transaction() as session:
        held = balances.of_customer(session, customer.id)
        expiring = holdings.expiring_next(session, customer.id, limit=_VOUCHERS, now=now)
        unread = inbox.unread_count(session, customer.id, now=now)
        lines = statements.entries(session, owner=customer.name, limit=_ENTRIES)
    return {
        "balances": wallet_shapes.wallet(held)["items"],
        "expiring_next": [reward_shapes.voucher(voucher) for voucher in expiring],
        "unread_count": unread,
        "latest_entries": wallet_shapes.page_of_entries(lines, _ENTRIES)["items"],
        "minimum_app_version": current_app.extensions["settings"].minimum_app_version,
    }
