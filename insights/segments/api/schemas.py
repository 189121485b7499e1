"""Segments on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from insights.segments.models import STATUSES

_EXAMPLE = {
    "all": [
        {"event": "order.completed", "is": "at_least", "value": 3, "within_days": 90},
        {"not": {"event": "order.completed", "within_days": 30}},
    ]
}


def _condition() -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "Faults come back as JSON pointers into this.", "example": _EXAMPLE},
    )


def _name() -> fields.String:
    return fields.String(
        required=True,
        validate=[
            validate.Length(min=1, max=200),
            validate.Predicate("isprintable", error="Must be one line of text."),
        ],
        metadata={"example": "Regulars who stay away"},
    )


class SegmentArgsSchema(Schema):
    key = fields.String(
        required=True,
        validate=validate.Length(min=1, max=40),
        metadata={"description": "What rules and journeys call it; for ever", "example": "lapsing_regulars"},
    )
    name = _name()
    condition = _condition()


class SegmentChangeSchema(Schema):
    name = _name()
    condition = _condition()
    revision = fields.Integer(
        required=True,
        strict=True,
        metadata={"description": "The one that you read: nobody overwrites another's change"},
    )


class SegmentSchema(Schema):
    """`status` is building until everybody was judged by this revision. `members` as they were at `counted_at`."""

    id = fields.UUID()
    key = fields.String()
    name = fields.String()
    condition = fields.Dict()
    revision = fields.Integer()
    status = fields.String(validate=validate.OneOf(STATUSES))
    members = fields.Integer(allow_none=True)
    counted_at = Instant(allow_none=True)
    created_at = Instant()
    updated_at = Instant()


class SegmentDetailSchema(SegmentSchema):
    """With the members as they are now, and how far building is."""

    built_share = fields.Float(metadata={"description": "Of the customers, from 0 to 1"})
    used_by = fields.List(fields.String(), metadata={"example": ["the campaign “Autumn”"]})


class CountArgsSchema(Schema):
    condition = _condition()


class CountsSchema(Schema):
    """Exact, or by a sample of so many customers: then the number lies between low and high (19 times in 20)."""

    members = fields.Integer()
    customers = fields.Integer(metadata={"description": "Everybody of whom anything is known"})
    is_exact = fields.Boolean()
    low = fields.Integer()
    high = fields.Integer()
    sampled = fields.Integer()


class MemberSchema(Schema):
    customer_id = fields.UUID()
    since = Instant()


class StandingSchema(Schema):
    """A segment that a customer is in."""

    segment_id = fields.UUID()
    key = fields.String()
    name = fields.String()
    since = Instant()


class ExplainedSchema(Schema):
    """`is_in` as it is kept; `reason` of this moment."""

    segment_id = fields.UUID()
    key = fields.String()
    is_in = fields.Boolean()
    since = Instant(allow_none=True)
    recheck_on = fields.Date(allow_none=True)
    reason = fields.Dict()
