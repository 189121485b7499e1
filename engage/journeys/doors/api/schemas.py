"""Shapes of doors on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from engage.journeys.doors.models import KINDS, STATUSES

_SLUG = validate.Length(min=2, max=50)


class NewDoorSchema(Schema):
    slug = fields.String(
        required=True,
        validate=_SLUG,
        metadata={"description": "What stands in its link: /e/<slug>.", "example": "autumn-fair"},
    )
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "link"})
    name = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "What customers read on its page.", "example": "Autumn fair"},
    )
    word = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=2, max=41),
        metadata={"description": "Of a keyword: what customers send by SMS or WhatsApp.", "example": "FAIR"},
    )
    source = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=64),
        metadata={
            "description": "Of a partner: the source of the write keys by which it reports; others find no such door.",
            "example": None,
        },
    )
    starts_at = Instant(load_default=None, allow_none=True)
    ends_at = Instant(load_default=None, allow_none=True)


class DoorSchema(Schema):
    id = fields.UUID()
    slug = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    name = fields.String()
    word = fields.String(allow_none=True)
    source = fields.String(allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES))
    starts_at = Instant(allow_none=True)
    ends_at = Instant(allow_none=True)
    created_by = fields.String()
    created_at = Instant()


class DoorStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class DoorEntryArgsSchema(Schema):
    door = fields.String(
        required=True,
        validate=_SLUG,
        metadata={"description": "The last part of the link that was opened: /e/<door>.", "example": "autumn-fair"},
    )


class DoorEntrySchema(Schema):
    id = fields.UUID()
    door = fields.String()
    requested_at = Instant(metadata={"description": "When they came first; however often they do, it counts once."})
