"""Codes in bulk on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from rewards.vouchers import codes
from rewards.vouchers.batches import MOST_CODES
from rewards.vouchers.models import BUDGET, TILL

_WHY = {"description": "Of an import: each bad line; of a mailing: how many customers, by why."}


class CodeBatchArgsSchema(Schema):
    """`pattern` {"prefix": "SUN", "length": 8, "alphabet": "crockford", "has_check": true} makes codes like
    SUN-4K7P-2X9M; left out, codes are 16 characters."""

    count = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=MOST_CODES))
    pattern = fields.Dict(keys=fields.String(), load_default=None, allow_none=True)
    funding = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf([TILL, BUDGET]),
        metadata={
            "description": "Of gift cards: till (it activates each when it sells it) or budget (it has filled them)."
        },
    )


class ImportArgsSchema(Schema):
    mode = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "each"]),
        metadata={"description": "all: one bad line refuses the file; each: the good lines are imported."},
    )


class MailingArgsSchema(Schema):
    """Without `customer_ids` it goes to all customers that the campaign is meant for."""

    customer_ids = fields.List(
        fields.UUID(), load_default=None, allow_none=True, validate=validate.Length(min=1, max=20_000)
    )


class FaultSchema(Schema):
    line = fields.Integer()
    code = fields.String(metadata={"example": "code_taken"})
    count = fields.Integer()


class CodeBatchListSchema(Schema):
    """How a batch of vouchers stands: `made` and `refused` of `asked`."""

    id = fields.UUID()
    campaign_id = fields.UUID()
    kind = fields.String(metadata={"example": "made"})
    pattern = fields.Dict(allow_none=True)
    funding = fields.String(allow_none=True, metadata={"example": "till"})
    asked = fields.Integer()
    made = fields.Integer()
    refused = fields.Integer()
    status = fields.String(attribute="state", metadata={"example": "waiting"})
    last_error = fields.String(allow_none=True)
    created_at = Instant()
    ended_at = Instant(allow_none=True)


class CodeBatchSchema(CodeBatchListSchema):
    """A batch, with what was refused and why."""

    faults = fields.List(fields.Nested(FaultSchema()), metadata=_WHY)


class BlockedVoucherSchema(Schema):
    id = fields.UUID()
    campaign_id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    last4 = fields.String()
    status = fields.String(attribute="state", metadata={"example": "blocked"})


class VoucherClaimArgsSchema(Schema):
    code = fields.String(
        required=True,
        validate=validate.Length(min=codes.SHORTEST, max=100),
        metadata={"description": "As it is printed, typed or scanned.", "example": "SUN-4K7P-2X9M"},
    )
