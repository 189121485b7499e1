"""Shapes of where no codes are sent."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant


class StopSchema(Schema):
    scope = fields.String(metadata={"description": "A country or a prefix.", "example": "prefix:+4477009"})
    until = Instant(metadata={"description": "After it ten codes are sent on trial where it was the breaker."})
    because = fields.String(validate=validate.OneOf(["unused", "staff"]))
    stopped_at = Instant()
    sent = fields.Integer(metadata={"description": "Codes sent on trial since."})
    used = fields.Integer(metadata={"description": "How many of those were used."})


class StopArgsSchema(Schema):
    until = Instant(required=True)
