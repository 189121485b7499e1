"""Visits on the wire."""

from marshmallow import Schema, fields

from core.web.schemas import Instant
from rewards.api.schemas import CUSTOMER_CODE


class VisitArgsSchema(Schema):
    customer_code = fields.String(required=True, **CUSTOMER_CODE)


class VisitSchema(Schema):
    """`ended_at`: when the till ended it, or took a basket in it."""

    id = fields.UUID()
    opened_at = Instant()
    expires_at = Instant()
    ended_at = Instant(allow_none=True)
