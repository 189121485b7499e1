"""Shapes of broadcasts on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from engage.broadcasts import drafting, trying
from engage.broadcasts.models import STATUSES

_NAME = validate.Length(min=1, max=200)
_PURPOSES = validate.OneOf(["marketing", "transactional"])
_TEMPLATE = {
    "description": "What it says, where no saved template does: {title, body} for all, or by channel and language.",
    "example": {
        "default_locale": "en",
        "push": {"en": {"title": "For you", "body": "Your code: {{ voucher.code }}"}},
    },
}


class _Written(Schema):
    """What may be written of a broadcast."""

    name = fields.String(validate=_NAME, metadata={"example": "Autumn thanks"})
    segment_id = fields.UUID(metadata={"description": "To whom: the members at the moment of sending"})
    channels = fields.List(fields.String(), metadata={"example": ["push", "sms"], "description": "In the order to try"})
    template_id = fields.UUID(allow_none=True, metadata={"description": "A saved template; pinned at the start"})
    template = fields.Dict(allow_none=True, metadata=_TEMPLATE)
    campaign_id = fields.UUID(allow_none=True, metadata={"description": "Each gets a voucher of it with the message"})
    purpose = fields.String(validate=_PURPOSES, metadata={"example": "marketing"})
    quiet = fields.String(
        metadata={"example": "hold", "description": "In the customer's quiet hours: hold, skip, pass"}
    )
    starts_at = Instant(allow_none=True, metadata={"description": "When it begins; null: as soon as it is started"})
    local_time = fields.String(
        allow_none=True, metadata={"example": "09:00", "description": "It leaves at this hour of each customer's clock"}
    )
    per_minute = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(min=1, max=drafting.MOST_PER_MINUTE),
        metadata={"description": "How many customers are written to a minute; null: as fast as providers take them"},
    )
    holdout_bps = fields.Integer(
        strict=True,
        validate=validate.Range(min=0, max=5_000),
        metadata={"description": "Basis points of members who get nothing, to compare with", "example": 1000},
    )


class NewBroadcastSchema(_Written):
    name = fields.String(required=True, validate=_NAME, metadata={"example": "Autumn thanks"})
    segment_id = fields.UUID(required=True, metadata={"description": "To whom: the members at the moment of sending"})
    channels = fields.List(
        fields.String(), required=True, metadata={"example": ["push", "sms"], "description": "In the order to try"}
    )


class BroadcastChangesSchema(_Written):
    """Some of a draft's members."""


class BroadcastSchema(_Written):
    id = fields.UUID()
    status = fields.String(validate=validate.OneOf(STATUSES))
    expected = fields.Integer(allow_none=True, metadata={"description": "Members at the start"})
    created_by = fields.String()
    created_at = Instant()
    started_by = fields.String(allow_none=True)
    started_at = Instant(allow_none=True)
    ended_at = Instant(allow_none=True)
    stopped_because = fields.String(
        allow_none=True,
        metadata={"example": "campaign_not_running", "description": "What stopped it last; start it again to go on"},
    )


class BroadcastDetailSchema(BroadcastSchema):
    members = fields.Integer(
        allow_none=True, metadata={"description": "Of its segment as of now; null while the segment is being built"}
    )
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "Customers dealt with so far, by what became of them",
            "example": {"sent": 812, "held_out:holdout": 90, "skipped:no_consent": 98},
        },
    )


class StartSchema(Schema):
    expected = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0, max=1_000_000_000),
        metadata={"description": "How many members you were shown; refused if there are a fifth more by now"},
    )


class TrialSchema(Schema):
    customer_ids = fields.List(
        fields.UUID(), required=True, validate=validate.Length(min=1, max=trying.MOST), metadata={"example": []}
    )


class TriedSchema(Schema):
    customer_id = fields.UUID()
    outcome = fields.String(metadata={"example": "sent"})
    channel = fields.String(allow_none=True)
    reasons = fields.List(fields.Dict())
    message_ids = fields.List(fields.UUID())


class TriedListSchema(Schema):
    items = fields.List(fields.Nested(TriedSchema))
