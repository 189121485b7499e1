"""What of the customer's promotional value and points lapses when."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from core.db import transaction
from core.web import principals
from core.web.schemas import Instant, MoneySchema
from wallet import lots

blueprint = Blueprint("wallet_lots", __name__, description="Value that lapses")

_MOST = 200


class LotSchema(Schema):
    """Value of one origin and one expiry; the soonest to lapse is spent first."""

    purpose = fields.String(required=True, metadata={"example": "promotional"})
    remaining = fields.Nested(MoneySchema(), required=True)
    expires_at = Instant(required=True, allow_none=True, metadata={"description": "null: it never lapses."})


class LotsSchema(Schema):
    items = fields.List(fields.Nested(LotSchema()), required=True)


@blueprint.get("/wallet/lots")
@blueprint.response(200, LotsSchema())
def list_lots() -> dict[str, Any]:
    """Promotional value and points by when they lapse, the soonest first (at most 200)."""
    with transaction() as session:
        found = lots.of_owner(session, principals.current().name, limit=_MOST)
    return {
        "items": [
            {
                "purpose": purpose,
                "remaining": {"amount_minor": remaining, "currency": asset},
                "expires_at": expires_at,
            }
            for purpose, asset, remaining, expires_at in found
        ]
    }
