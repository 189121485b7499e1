from marshmallow import Schema, fields, validate

from core.events.announce import OUR_SOURCE
from core.web.schemas import Instant


class RejectedCallSchema(Schema):
    """A call of the batch that was not taken; mend it before it is sent again."""

    index = fields.Integer(metadata={"description": "Its place in the batch, from 0"})
    message_id = fields.String(allow_none=True)
    pointer = fields.String(metadata={"description": "JSON pointer to the bad field"})
    detail = fields.String()


class IngestedSchema(Schema):
    """All is committed. `rejected` is there only where calls were not taken."""

    success = fields.Boolean(metadata={"example": True})
    rejected = fields.List(fields.Nested(RejectedCallSchema()))


class ExternalIdentitySchema(Schema):
    customer_id = fields.UUID(required=True)
    external_id = fields.String(required=True, validate=validate.Length(min=1, max=512))


class MappedIdentitySchema(Schema):
    """Whose it is now; the id itself is not told again."""

    source = fields.String()
    customer_id = fields.UUID()


class WriteKeySchema(Schema):
    """Who may report events, and how far they are believed."""

    id = fields.UUID(dump_only=True)
    source = fields.String(
        required=True,
        validate=[
            validate.Regexp(
                r"[a-z0-9][a-z0-9_-]{0,63}\Z",
                error="Must be 1 to 64 small letters, digits, “_” and “-”, a letter or digit first.",
            ),
            validate.NoneOf([OUR_SOURCE], error="Is what our own events come from."),
        ],
        metadata={"description": "Stands on every event that comes in by the key", "example": "web-shop"},
    )
    trust = fields.String(
        required=True,
        validate=validate.OneOf(["client", "server"]),
        metadata={"description": "server: only the brand's own servers hold it"},
    )
    status = fields.String(dump_only=True, validate=validate.OneOf(["active", "revoked"]))
    created_by = fields.String(dump_only=True)
    created_at = Instant(dump_only=True)
    revoked_at = Instant(dump_only=True, allow_none=True)
    last_used_on = fields.Date(dump_only=True, allow_none=True)


class MadeWriteKeySchema(WriteKeySchema):
    """The key is told this once."""

    key = fields.String(dump_only=True)


class WriteKeyStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["revoked"]))
