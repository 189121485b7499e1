"""Shapes of the change of a phone number."""

from marshmallow import Schema, fields, validate

from auth.native.channels import CHANNELS, SMS
from core.web.schemas import Instant

_PHONE = validate.Length(min=5, max=40)


class NewPhoneSchema(Schema):
    phone = fields.String(required=True, validate=_PHONE, metadata={"example": "+12125550143"})
    channel = fields.String(load_default=SMS, validate=validate.OneOf(CHANNELS))


class PhoneAskedSchema(Schema):
    handle = fields.String(metadata={"description": "Send it back with the code."})
    channel = fields.String(metadata={"description": "How the code was sent."})
    expires_at = Instant(metadata={"description": "Until when the code works."})


class PhoneProofSchema(Schema):
    handle = fields.String(required=True, validate=validate.Length(min=1, max=100))
    otp = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9]{6}\Z", error="Must be the six digits that were sent."),
        metadata={"example": "042917"},
    )


class NumberChangeSchema(Schema):
    id = fields.UUID()
    status = fields.String(
        validate=validate.OneOf(["waiting", "done", "cancelled", "taken"]),
        metadata={"description": "`taken`: another customer had the number by the time."},
    )
    how = fields.String(metadata={"description": "`fresh`: asked for in the app; `staff`: by two people of staff."})
    asked_at = Instant()
    takes_effect_at = Instant()


class AskedNumberChangeArgsSchema(Schema):
    phone = fields.String(required=True, validate=_PHONE, metadata={"example": "+12125550143"})
    note = fields.String(required=True, validate=validate.Length(min=1, max=500))


class AskedNumberChangeSchema(Schema):
    id = fields.UUID(metadata={"description": "Of the approval."})
    customer_id = fields.UUID()
    status = fields.String()
    asked_by = fields.String()
    asked_at = Instant()
    expires_at = Instant()
    decided_by = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    takes_effect_at = Instant(allow_none=True, metadata={"description": "Of the change that was approved."})


class NumberDecisionSchema(Schema):
    approve = fields.Boolean(required=True)
    phone = fields.String(
        load_default=None,
        allow_none=True,
        validate=_PHONE,
        metadata={"description": "To approve: the number, typed a second time.", "example": "+12125550143"},
    )
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))
