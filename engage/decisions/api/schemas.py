"""Shapes of decisions on the wire."""

from marshmallow import Schema, fields

from core.web.schemas import Instant


class DecisionSchema(Schema):
    """One step of one journey for the customer, and why it went as it did."""

    id = fields.UUID()
    journey_id = fields.UUID()
    journey_name = fields.String()
    enrolment_id = fields.UUID()
    is_held_out = fields.Boolean()
    step = fields.String()
    kind = fields.String()
    outcome = fields.String()
    reasons = fields.List(fields.Dict(keys=fields.String()))
    voucher_id = fields.UUID(allow_none=True)
    message_ids = fields.List(fields.UUID())
    at = Instant()
