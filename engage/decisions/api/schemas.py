"""Shapes of decisions on the wire."""

from typing import Any

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant, PageArgs, page_of

VERDICTS = ["entered", "held_out", "control", "refused", "never_seen", "not_published"]


class DecisionArgs(PageArgs):
    about = fields.UUID(
        load_default=None,
        metadata={"description": "One journey: its decisions alone, and in `answer` why they got it, or did not."},
    )


class DecisionMessageSchema(Schema):
    id = fields.UUID()
    channel = fields.String()
    status = fields.String()
    because = fields.String(allow_none=True, metadata={"description": "Why it was held back or failed."})


class DecisionSchema(Schema):
    """One decision about the customer: a step of a journey, an entry that was refused, a broadcast, or a voucher that a
    till did not take; with its reasons."""

    what = fields.String(validate=validate.OneOf(["step", "entry", "broadcast", "voucher"]))
    id = fields.UUID()
    journey_id = fields.UUID(allow_none=True)
    journey_name = fields.String(allow_none=True)
    enrolment_id = fields.UUID(allow_none=True)
    broadcast_id = fields.UUID(allow_none=True)
    broadcast_name = fields.String(allow_none=True)
    arm = fields.String(allow_none=True)
    is_held_out = fields.Boolean()
    step = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    outcome = fields.String()
    reasons = fields.List(fields.Dict(keys=fields.String()))
    voucher_id = fields.UUID(allow_none=True)
    message_ids = fields.List(fields.UUID())
    messages = fields.List(fields.Nested(DecisionMessageSchema()))
    at = Instant()


class AnswerSchema(Schema):
    """Why this customer got, or did not get, what the journey gives."""

    verdict = fields.String(validate=validate.OneOf(VERDICTS))
    words = fields.String()
    at = Instant(allow_none=True)
    reasons = fields.List(fields.Dict(keys=fields.String()))


_members: dict[str, Any] = {
    **page_of(DecisionSchema).declared_fields,
    "answer": fields.Nested(AnswerSchema(), allow_none=True),
}
DecisionPageSchema = Schema.from_dict(_members, name="DecisionPageSchema")


class OwnDecisionSchema(Schema):
    """What I was given or sent, or why not."""

    id = fields.UUID()
    what = fields.String(validate=validate.OneOf(["offer", "message"]))
    outcome = fields.String(validate=validate.OneOf(["given", "sent", "not_given", "not_sent"]))
    words = fields.String(metadata={"example": "You have not allowed us to write to you there."})
    voucher_id = fields.UUID(allow_none=True)
    at = Instant()
