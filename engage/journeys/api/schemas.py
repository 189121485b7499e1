"""Shapes of journeys on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from engage.journeys.models import STATUSES

_NAME = validate.Length(min=1, max=200)


class NewJourneySchema(Schema):
    name = fields.String(required=True, validate=_NAME, metadata={"example": "Come back"})
    holdout_bps = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(min=0, max=10_000),
        metadata={
            "description": "Basis points of customers who walk it without vouchers and messages, to compare with."
        },
    )


class JourneySchema(Schema):
    id = fields.UUID()
    name = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    holdout_bps = fields.Integer()
    live_version_id = fields.UUID(allow_none=True)
    created_at = Instant()


class NewVersionSchema(Schema):
    graph = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={
            "description": "Trigger, re-entry and steps; faults come back as JSON pointers into this.",
            "example": {
                "trigger": {
                    "event": "order.completed",
                    "where": {"field": "total_minor", "is": "at_least", "value": 5000},
                },
                "re_entry": "never",
                "first": "gift",
                "steps": {
                    "gift": {
                        "kind": "issue_voucher",
                        "campaign_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                        "next": "tell",
                    },
                    "tell": {
                        "kind": "message",
                        "channel": ["push", "sms"],
                        "purpose": "marketing",
                        "template": {"title": "For you", "body": "Thank you! {{ voucher.link }}"},
                        "next": "wait",
                    },
                    "wait": {
                        "kind": "wait",
                        "for_event": "voucher.redeemed",
                        "timeout_seconds": 604800,
                        "on_timeout": "remind",
                    },
                    "remind": {
                        "kind": "message",
                        "channel": "sms",
                        "purpose": "marketing",
                        "template": {"body": "Still yours: {{ voucher.code }}"},
                    },
                },
            },
        },
    )


class VersionSchema(Schema):
    id = fields.UUID()
    number = fields.Integer()
    graph = fields.Dict(keys=fields.String())
    published_by = fields.String()
    published_at = Instant()


class StepCountSchema(Schema):
    version_id = fields.UUID()
    status = fields.String(attribute="state", metadata={"example": "waiting"})
    step = fields.String(allow_none=True)
    end_reason = fields.String(allow_none=True)
    is_held_out = fields.Boolean()
    customers = fields.Integer()


class JourneyDetailSchema(JourneySchema):
    versions = fields.List(fields.Nested(VersionSchema()))
    counts = fields.List(fields.Nested(StepCountSchema()))


class StatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(("live", "paused", "ended")))
