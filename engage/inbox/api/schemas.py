"""Shapes of the inbox on the wire."""

from marshmallow import Schema, fields

from core.web.schemas import Instant


class InboxItemSchema(Schema):
    id = fields.UUID()
    title = fields.String(allow_none=True)
    body = fields.String()
    voucher_id = fields.UUID(allow_none=True, metadata={"description": "The voucher that the item names."})
    created_at = Instant()
    read_at = Instant(allow_none=True)
