"""Shapes of consents on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from engage.consents.models import CHANNELS, PURPOSES


class ConsentSchema(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS), metadata={"example": "push"})
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES), metadata={"example": "marketing"})
    granted = fields.Boolean(required=True, attribute="is_granted", truthy={True}, falsy={False})
    source = fields.String(dump_only=True, metadata={"description": "Where the customer said so."})
    at = Instant(dump_only=True)


class ConsentsSchema(Schema):
    items = fields.List(fields.Nested(ConsentSchema()))
