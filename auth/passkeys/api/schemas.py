"""Shapes of passkeys."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant

_NAME = validate.Length(min=1, max=60)


class PasskeyOptionsSchema(Schema):
    ceremony_id = fields.UUID(required=True, metadata={"description": "Send it with the answer, within 5 minutes."})
    passkey = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "PublicKeyCredentialCreationOptions as JSON: what the platform's call takes."},
    )


class PasskeyArgsSchema(Schema):
    ceremony_id = fields.UUID(required=True)
    credential = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "RegistrationResponseJSON: what the platform's call gave, as it is."},
    )
    name = fields.String(load_default=None, allow_none=True, validate=_NAME, metadata={"example": "Ada's iPhone"})


class PasskeyNameSchema(Schema):
    name = fields.String(required=True, validate=_NAME, metadata={"example": "Ada's iPhone"})


class PasskeySchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True, allow_none=True)
    is_backed_up = fields.Boolean(required=True, metadata={"description": "The platform keeps a copy."})
    made_at = Instant(required=True)
    used_at = Instant(required=True, allow_none=True)
    approves_from = Instant(required=True, metadata={"description": "From when on it may approve payments."})


class PasskeyRemovalArgsSchema(Schema):
    note = fields.String(
        required=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "How the customer was recognised."},
    )


class PasskeyRemovalDecisionSchema(Schema):
    approve = fields.Boolean(required=True)
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


class PasskeyRemovalSchema(Schema):
    id = fields.UUID(required=True, metadata={"description": "Of the approval."})
    customer_id = fields.UUID(required=True)
    passkeys = fields.Integer(required=True, metadata={"description": "How many are to go."})
    status = fields.String(required=True)
    asked_by = fields.String(required=True)
    asked_at = Instant(required=True)
    expires_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)
