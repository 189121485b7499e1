"""Shapes of the customer and the staff door."""

from marshmallow import Schema, fields, validate

from auth.approval_lists import STATUSES
from core.web.schemas import Instant, PageArgs

_LOCALE = validate.Regexp(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", error="Must be a language tag: en-US.")


def _visible(most: int) -> validate.Regexp:
    return validate.Regexp(rf"[\x21-\x7e]{{1,{most}}}\Z", error=f"Must be 1 to {most} visible ASCII characters.")


class MeSchema(Schema):
    id = fields.UUID()
    phone = fields.String(metadata={"example": "+12125550142"})
    locale = fields.String(allow_none=True, metadata={"example": "en-US"})
    time_zone = fields.String(allow_none=True, metadata={"example": "America/New_York"})
    email = fields.String(
        allow_none=True, metadata={"description": "Only one that was proved.", "example": "ada@example.com"}
    )
    birthday = fields.String(allow_none=True, metadata={"example": "1990-02-28"})
    created_at = Instant()


class EmailSchema(Schema):
    email = fields.String(
        required=True, validate=validate.Length(min=3, max=254), metadata={"example": "ada@example.com"}
    )


class EmailAskedSchema(Schema):
    expires_at = Instant(metadata={"description": "Until when the code works."})


class EmailProofSchema(Schema):
    code = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9]{6}\Z", error="Must be the six digits that were sent."),
        metadata={"example": "042917"},
    )


class MeChangeSchema(Schema):
    locale = fields.String(allow_none=True, validate=_LOCALE, metadata={"example": "en-US"})
    time_zone = fields.String(allow_none=True, metadata={"example": "America/New_York"})
    birthday = fields.String(
        allow_none=True,
        validate=validate.Length(max=10),
        metadata={"description": "With or without the year; it changes once a year at most.", "example": "1990-02-28"},
    )


class DeviceSchema(Schema):
    device_id = fields.String(
        required=True,
        validate=_visible(100),
        metadata={"description": "The app's own id of this installation", "example": "B2B1C7F0-8F4E-4E0A-9E0C-1B0D5A"},
    )
    platform = fields.String(required=True, validate=validate.OneOf(["ios", "android"]))
    push_token = fields.String(
        load_default=None,
        allow_none=True,
        load_only=True,
        validate=_visible(4096),
        metadata={"description": "The FCM registration token; null when the customer allows no push"},
    )
    anonymous_id = fields.String(
        load_default=None,
        allow_none=True,
        load_only=True,
        validate=validate.Length(min=1, max=512),
        metadata={"description": "The anonymousId that this installation reported events under before the sign-in"},
    )
    app_version = fields.String(
        load_default=None, allow_none=True, validate=_visible(40), metadata={"example": "1.4.0"}
    )
    locale = fields.String(load_default=None, allow_none=True, validate=_LOCALE, metadata={"example": "en-US"})
    can_push = fields.Boolean(dump_only=True)
    seen_at = Instant(dump_only=True)


class CustomerCodeSchema(Schema):
    text = fields.String(metadata={"description": "What the QR holds", "example": "PF-MFRGGZDFMZTWQ2LK-12345678"})
    expires_at = Instant()
    seconds_left = fields.Integer(metadata={"description": "Ask again when these have passed"})


class ApprovalArgsSchema(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    kind = fields.String(
        load_default=None, validate=validate.Length(min=1, max=100), metadata={"example": "wallet.adjustment"}
    )


class ApprovalSchema(Schema):
    """`subject` says what is asked, `outcome` what came of it; it can be decided and used before `expires_at`."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"example": "wallet.adjustment"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    subject = fields.Dict(keys=fields.String(), required=True)
    customer_id = fields.UUID(allow_none=True)
    note = fields.String(allow_none=True)
    asked_by = fields.String(required=True, metadata={"example": "staff:019a9a4e-7d51-7c3c-a1f0-6a0e3c1f9b11"})
    asked_at = Instant(required=True)
    expires_at = Instant(required=True)
    decided_by = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    reason = fields.String(allow_none=True)
    used_at = Instant(allow_none=True)
    outcome = fields.Dict(keys=fields.String(), allow_none=True)
