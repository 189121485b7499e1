"""Shapes of journeys on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import ByName, Instant
from engage.journeys.drawing import HOLDOUT_BPS, OUTCOME_DAYS, STAGES
from engage.journeys.models import STATUSES
from engage.results.api.schemas import SmallestSchema

_NAME = validate.Length(min=1, max=200)
_DESCRIPTION = validate.Length(min=1, max=1000)
_SHARE = {
    "description": "Basis points of customers who walk it without vouchers and messages, to compare with."
    " It stays as it is once a version is published.",
}
_SPEND = {
    "description": "The most that it may give away; then it is paused and staff are told. `per`: “ever”, or “day” of"
    " the brand's. `currency`: the brand's if left out; what is of another cannot be given.",
    "example": {"most_minor": 500000, "currency": "USD", "per": "day"},
}
_GRAPH: dict[str, Any] = {
    "description": "Entry, re-entry, goal, exits and steps; faults come back as JSON pointers into this.",
    "example": {
        "entry": {
            "event": "order.completed",
            "where": {"field": "total_minor", "is": "at_least", "value": 5000},
        },
        "re_entry": {"after_seconds": 2592000},
        "purpose": "marketing",
        "goal": {"event": "voucher.redeemed", "within_seconds": 604800},
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
                "template": {"body": "Still yours: {{ voucher.code }}"},
            },
        },
    },
}


class _WrittenSchema(Schema):
    """What of a journey staff write."""

    description = fields.String(validate=_DESCRIPTION, allow_none=True)
    stage = fields.String(validate=validate.OneOf(STAGES), allow_none=True, metadata={"example": "retain"})
    spend = fields.Dict(keys=fields.String(), allow_none=True, metadata=_SPEND)
    holdout_bps = fields.Integer(strict=True, validate=validate.Range(min=0, max=10_000), metadata=_SHARE)
    outcome_days = fields.Integer(
        strict=True,
        validate=validate.Range(min=1, max=90),
        metadata={"description": "How long after an entry a customer's orders count to what the journey caused."},
    )


class NewJourneySchema(_WrittenSchema):
    name = fields.String(validate=_NAME, metadata={"example": "Come back"})
    holdout_bps = fields.Integer(
        strict=True,
        load_default=HOLDOUT_BPS,
        validate=validate.Range(min=0, max=10_000),
        metadata=_SHARE,
    )
    outcome_days = fields.Integer(strict=True, load_default=OUTCOME_DAYS, validate=validate.Range(min=1, max=90))
    ready = fields.String(
        validate=validate.Length(min=1, max=50),
        metadata={"description": "A ready-made journey to begin with, by its key.", "example": "win_back"},
    )
    values = ByName(
        keys=fields.String(validate=validate.Length(max=50)),
        values=fields.String(validate=validate.Length(min=1, max=200)),
        metadata={"description": "What the ready-made journey asks to be filled in."},
    )

    @validates_schema
    def _is_named(self, data: dict[str, Any], **_: Any) -> None:
        if "name" not in data and "ready" not in data:
            raise ValidationError("Missing data for required field.", "name")
        if "values" in data and "ready" not in data:
            raise ValidationError("Only a ready-made journey has something to fill in.", "values")


class JourneyChangesSchema(_WrittenSchema):
    name = fields.String(validate=_NAME)


class JourneySchema(Schema):
    id = fields.UUID()
    name = fields.String()
    description = fields.String(allow_none=True)
    stage = fields.String(allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES))
    paused_because = fields.String(
        allow_none=True, metadata={"description": "“staff”, or the breaker: “spend_ever”, “spend_day:2026-11-22”."}
    )
    is_holding = fields.Boolean(metadata={"description": "Paused, and those inside stand still as well."})
    holdout_bps = fields.Integer()
    outcome_days = fields.Integer()
    spend = fields.Dict(keys=fields.String(), allow_none=True, metadata=_SPEND)
    live_version_id = fields.UUID(allow_none=True)
    draft_revision = fields.Integer()
    created_at = Instant()


class DraftSchema(Schema):
    graph = fields.Dict(keys=fields.String(), required=True, allow_none=True, attribute="draft", metadata=_GRAPH)
    revision = fields.Integer(attribute="draft_revision", metadata={"description": "Of the draft; 0: there was none."})


class SavedDraftSchema(Schema):
    graph = fields.Dict(keys=fields.String(), required=True, metadata=_GRAPH)
    revision = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "Of the draft that you saw last; 0 where there was none."},
    )


class ChecksArgsSchema(Schema):
    graph = fields.Dict(
        keys=fields.String(), metadata={"description": "The graph to check; left out, the draft is.", **_GRAPH}
    )


class JourneyFaultSchema(Schema):
    pointer = fields.String()
    detail = fields.String()


class ChecksSchema(Schema):
    errors = fields.List(
        fields.Nested(JourneyFaultSchema()), metadata={"description": "What keeps it from being published."}
    )
    warnings = fields.List(
        fields.Nested(JourneyFaultSchema()), metadata={"description": "What its author may not have meant."}
    )
    says = fields.List(
        fields.String(), metadata={"description": "What its templates may say.", "example": ["event.total_minor"]}
    )
    expected_entries = fields.Integer(
        allow_none=True,
        metadata={
            "description": "How often the entry's event happened in the last 30 days; null: not known, or too often to"
            " be counted while you wait."
        },
    )
    smallest = fields.Nested(
        SmallestSchema(),
        metadata={"description": "The smallest effect that could be seen; anything smaller is too few to tell."},
    )


class NewVersionSchema(Schema):
    graph = fields.Dict(
        keys=fields.String(), metadata={**_GRAPH, "description": f"{_GRAPH['description']} Left out: the draft."}
    )
    inside = fields.Raw(
        load_default="finish",
        metadata={
            "description": "What becomes of those inside: they “finish” the version that they entered, leave (“exit”),"
            " or are taken over by a map of steps (null: they leave). It needs `journeys.move` unless they finish.",
            "example": {"migrate": {"wait": "wait_longer", "remind": None}},
        },
    )


class VersionSchema(Schema):
    id = fields.UUID()
    number = fields.Integer()
    graph = fields.Dict(keys=fields.String())
    published_by = fields.String()
    published_at = Instant()


class MoveSchema(Schema):
    id = fields.UUID()
    from_version_id = fields.UUID(attribute="from_id")
    to_version_id = fields.UUID(attribute="to_id", allow_none=True)
    how = fields.String(validate=validate.OneOf(("migrate", "exit")))
    map = fields.Dict(keys=fields.String())
    status = fields.String(attribute="state", validate=validate.OneOf(("waiting", "done")))
    moved = fields.Integer()
    ended = fields.Integer()
    asked_by = fields.String()
    asked_at = Instant()


class StepCountSchema(Schema):
    version_id = fields.UUID()
    status = fields.String(attribute="state", metadata={"example": "waiting"})
    step = fields.String(allow_none=True)
    end_reason = fields.String(allow_none=True)
    is_held_out = fields.Boolean()
    customers = fields.Integer()


class JourneyDetailSchema(JourneySchema):
    versions = fields.List(fields.Nested(VersionSchema()), metadata={"description": "The latest ten."})
    counts = fields.List(fields.Nested(StepCountSchema()))
    counted_at = Instant(
        allow_none=True,
        metadata={
            "description": "Now, or ten minutes ago at most where over 20,000 have entered; null: so many that they"
            " are still being counted, look again in ten minutes."
        },
    )


class StatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(("live", "paused", "ended")))
    hold_inside = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Of “paused”: those inside stand still as well, until it is opened again."},
    )


class NeedSchema(Schema):
    name = fields.String()
    what = fields.String()
    suggested = fields.Dict(
        keys=fields.String(), metadata={"description": "The condition of a segment that fits.", "example": {}}
    )


class ReadySchema(Schema):
    key = fields.String()
    name = fields.String()
    stage = fields.String()
    description = fields.String()
    needs = fields.List(fields.Nested(NeedSchema()))
    graph = fields.Dict(keys=fields.String())


class ReadyListSchema(Schema):
    items = fields.List(fields.Nested(ReadySchema()))
