"""Identity checks on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant, PageArgs
from wallet.identity.models import STATES
from wallet.limits.models import TIERS

#: Stands in the audit log for ever, where nothing about a person may stand.
REASON = fields.String(
    required=True,
    validate=validate.Regexp(
        r"[A-Za-z0-9][A-Za-z0-9_.:#/-]{0,63}\Z",
        error="Must be a code or a case number: 1 to 64 letters, digits and any of _ . : # / -",
    ),
    metadata={"description": "A code or a case number, nothing about a person.", "example": "case-4711"},
)

_STATUS = {"description": "pending, waiting (for the customer or the provider), approved, rejected, refused, expired"}


class IdentityCheckArgsSchema(Schema):
    document_token = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=255),
        metadata={
            "description": "The provider's token for a document; none where the provider takes the pictures itself.",
            "example": "sandbox_approved",
        },
    )


class IdentityCheckSchema(Schema):
    """`sdk_token` and `url` open the provider's screens, while it waits for the customer."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, metadata=_STATUS)
    reasons = fields.List(fields.String(), required=True, metadata={"example": ["document_expired"]})
    sdk_token = fields.String(allow_none=True)
    url = fields.String(allow_none=True)
    created_at = Instant(required=True)
    decided_at = Instant(allow_none=True)


class IdentitySchema(Schema):
    """How well the customer is known, and their latest check."""

    tier = fields.String(required=True, metadata={"example": "basic"})
    check = fields.Nested(IdentityCheckSchema(), allow_none=True)


class IdentityChecksArgsSchema(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(STATES))


class StaffIdentityCheckSchema(Schema):
    """`provider_reference` finds the check in the provider's own console."""

    id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    status = fields.String(required=True, attribute="state", metadata=_STATUS)
    reasons = fields.List(fields.String(), required=True)
    provider = fields.String(required=True)
    provider_reference = fields.String(allow_none=True)
    last_error = fields.String(allow_none=True)
    created_at = Instant(required=True)
    decided_at = Instant(allow_none=True)


class TierArgsSchema(Schema):
    tier = fields.String(required=True, validate=validate.OneOf(TIERS), metadata={"example": "verified"})
    reason = REASON


class TierSchema(Schema):
    customer_id = fields.UUID(required=True)
    tier = fields.String(required=True)
