"""Shapes of exports and erasures."""

from marshmallow import Schema, fields, validate

from auth.privacy.erasing import FORFEITS
from core.web.schemas import Instant


class ExportSchema(Schema):
    id = fields.UUID(required=True)
    status = fields.String(
        required=True, attribute="state", validate=validate.OneOf(("waiting", "gathering", "ready")),
    )  # fmt: skip
    asked_at = Instant(required=True)
    expires_at = Instant(required=True, metadata={"description": "The file is kept until then."})


class ReasonSchema(Schema):
    code = fields.String(required=True, metadata={"example": "points_left"})
    forfeit = fields.String(
        validate=validate.OneOf(FORFEITS),
        metadata={"description": "Send this word to agree to lose it. Without one it has to be settled before."},
    )
    amount_minor = fields.Integer()
    currency = fields.String()
    count = fields.Integer()


class ObjectionsSchema(Schema):
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class ErasureArgsSchema(Schema):
    forfeit = fields.List(
        fields.String(validate=validate.OneOf(FORFEITS)),
        load_default=list,
        validate=validate.Length(max=len(FORFEITS)),
        metadata={"description": "What the customer agrees to lose.", "example": ["points"]},
    )


class ErasureSchema(Schema):
    erasure_id = fields.UUID(required=True)
    receipt_url = fields.String(
        required=True,
        metadata={"description": "Where the receipt will be. It is told once, and the access token is good no more."},
    )


class ReceiptSchema(Schema):
    erasure_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("erasing", "erased")))
    asked_at = Instant(required=True)
    done_at = Instant(required=True, allow_none=True)
    receipt = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A JWS (typ erasure-receipt+jwt) by a key of /.well-known/jwks.json."},
    )


class StaffErasureSchema(ReceiptSchema):
    customer_id = fields.UUID(required=True)
    asked_by = fields.String(required=True)
    last_error = fields.String(allow_none=True, metadata={"description": "The kind of what failed last."})
