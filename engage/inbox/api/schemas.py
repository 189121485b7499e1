"""Shapes of the inbox on the wire."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import Instant
from engage.outgoing.receipts import OPENED, WORDS


class InboxActionSchema(Schema):
    id = fields.String()
    title = fields.String()
    link = fields.String()


class InboxItemSchema(Schema):
    id = fields.UUID()
    title = fields.String(allow_none=True)
    body = fields.String()
    voucher_id = fields.UUID(allow_none=True, metadata={"description": "The voucher that the item names."})
    image = fields.String(allow_none=True, metadata={"description": "An https address."})
    deep_link = fields.String(allow_none=True, metadata={"description": "What the app opens at a tap."})
    actions = fields.List(fields.Nested(InboxActionSchema()))
    expires_at = Instant(allow_none=True, metadata={"description": "From when on it is of no use."})
    created_at = Instant()
    read_at = Instant(allow_none=True)


class MessageReceiptSchema(Schema):
    what = fields.String(required=True, validate=validate.OneOf(WORDS), metadata={"example": "opened"})
    action = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"[a-z0-9_]{1,40}\Z"),
        metadata={"description": "The id of the button by which it was opened."},
    )

    @validates_schema
    def check_action(self, data: dict[str, str | None], **_: object) -> None:
        if data["action"] is not None and data["what"] != OPENED:
            raise ValidationError("Only what was opened was opened by a button.", "action")
