"""Shapes of messages as staff see them: ids and statuses, never addresses or wording."""

from marshmallow import Schema, fields

from core.web.schemas import Instant


class MessageSchema(Schema):
    id = fields.UUID()
    customer_id = fields.UUID()
    channel = fields.String(metadata={"example": "sms"})
    purpose = fields.String(metadata={"example": "marketing"})
    status = fields.String(attribute="state", metadata={"example": "in_doubt"})
    provider = fields.String(allow_none=True)
    provider_message_id = fields.String(allow_none=True)
    attempts = fields.Integer()
    last_error = fields.String(allow_none=True, metadata={"example": "ReadTimeout"})
    created_at = Instant()
    sent_at = Instant(allow_none=True)
    delivered_at = Instant(allow_none=True)


class SettlementSchema(Schema):
    was_taken = fields.Boolean(
        required=True, metadata={"description": "Whether the provider has the message, as its own console shows"}
    )


class RouteSchema(Schema):
    channel = fields.String(metadata={"example": "sms"})
    route = fields.String(metadata={"example": "twilio_second"})
    status = fields.String(metadata={"example": "open", "description": "open, or closed while it keeps failing"})
    failures = fields.Integer(metadata={"description": "In a row, up to now"})
    closed_until = Instant(allow_none=True)
    per_second = fields.Float(allow_none=True, metadata={"description": "What DELIVERY_RATES allows; null: any number"})


class SandboxArgsSchema(Schema):
    to = fields.String(load_default=None, metadata={"description": "A phone number, e-mail address or device token"})


class SandboxMessageSchema(Schema):
    id = fields.UUID(attribute="message_id", metadata={"description": "Of the message: receipts are told by it."})
    channel = fields.String()
    recipient = fields.String()
    content = fields.Dict()
    created_at = Instant()
