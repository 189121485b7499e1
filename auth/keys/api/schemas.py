"""Shapes of signing keys."""

from marshmallow import Schema, fields

from core.web.schemas import Instant


class SigningKeySchema(Schema):
    kid = fields.String(required=True)
    alg = fields.String(required=True, metadata={"example": "ES256"})
    status = fields.String(required=True, metadata={"description": "next, current or retired"})
    published_at = Instant(required=True)
    current_from = Instant(required=True, allow_none=True)
    retired_at = Instant(required=True, allow_none=True)


class SigningKeyRotationArgsSchema(Schema):
    at_once = fields.Boolean(
        load_default=False,
        metadata={"description": "Also by keys that clients may not have read yet, for up to an hour."},
    )


class WaitingKeySchema(Schema):
    alg = fields.String(required=True)
    ready_at = Instant(required=True)


class SigningKeyRotationSchema(Schema):
    items = fields.List(fields.Nested(SigningKeySchema), required=True)
    waiting = fields.List(fields.Nested(WaitingKeySchema), required=True)
