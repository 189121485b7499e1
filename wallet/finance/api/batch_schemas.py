"""Batches of transfers on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from auth.api.schemas import ApprovalSchema
from core.web.schemas import Instant, MoneySchema
from wallet.finance import batches, lines
from wallet.finance.api.movement_schemas import PlaceField
from wallet.finance.lines import BadLines, Line


class BatchLineSchema(Schema):
    """One transfer. `credit_cash` gives a customer money out of the brand's marketing fund, `credit_promotional` and
    `credit_points` give value that may lapse, `payout` takes what a merchant is owed to the bank, and `transfer` moves
    value between any two accounts."""

    reference = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "Yours, once in a batch; it shows on the statement.", "example": "may-0017"},
    )
    kind = fields.String(required=True, validate=validate.OneOf(lines.KINDS))
    amount = fields.Nested(MoneySchema(), required=True)
    customer_id = fields.UUID(metadata={"description": "Of the credits."})
    merchant_id = fields.UUID(metadata={"description": "Of a payout."})
    source = PlaceField(data_key="from")
    target = PlaceField(data_key="to")
    expires_at = Instant(allow_none=True, metadata={"description": "Of promotional value and points."})
    note = fields.String(
        allow_none=True,
        validate=validate.Length(min=1, max=140),
        metadata={"description": "For the statement. Kept with the transfer for ever: no personal data."},
    )


class _Lines(fields.List[Line]):
    """Read by `lines.read`, as files are, in half the time; the nested schema is what the document shows."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> list[Line]:  # type: ignore[override]
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if not 0 < len(value) <= batches.MOST_LINES:
            raise ValidationError(f"Must be 1 to {batches.MOST_LINES} lines.")
        try:
            return lines.read(value)
        except BadLines as bad:
            raise ValidationError(_nested(bad.errors)) from bad


class BatchArgsSchema(Schema):
    """`all_or_nothing`: the first line that cannot be posted refuses the batch. `each`: every line has its answer."""

    mode = fields.String(required=True, validate=validate.OneOf([batches.ALL_OR_NOTHING, batches.EACH]))
    lines = _Lines(
        fields.Nested(BatchLineSchema()),
        required=True,
        metadata={"minItems": 1, "maxItems": batches.MOST_LINES, "description": "No two with the same reference."},
    )


class NewBatchSchema(BatchArgsSchema):
    approval_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Where the batch moves much: a second person's approval of these very lines."},
    )


class BatchApprovalArgsSchema(BatchArgsSchema):
    note = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=1000),
        metadata={"description": "For the second person. It is kept sealed."},
    )


class AskedApprovalSchema(ApprovalSchema):
    """What was asked, without what people wrote about it."""

    class Meta:
        exclude = ("note", "reason")


class BatchResultSchema(Schema):
    """`replayed`: the line had its answer before the batch was sent this time."""

    reference = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["posted", "refused"]))
    transfer_id = fields.UUID(allow_none=True)
    replayed = fields.Boolean(required=True)
    code = fields.String(allow_none=True, metadata={"example": "insufficient_funds"})
    detail = fields.String(allow_none=True)


class BatchOutcomeSchema(Schema):
    """What became of each line, in the order sent."""

    id = fields.UUID(required=True)
    mode = fields.String(required=True)
    posted_count = fields.Integer(required=True)
    refused_count = fields.Integer(required=True)
    lines = fields.List(fields.Nested(BatchResultSchema()), required=True)


class BatchSchema(Schema):
    """`running`: some lines have no answer yet. `refused`: all or nothing came to nothing."""

    id = fields.UUID(required=True)
    mode = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["running", "ended", "refused"]))
    principal = fields.String(required=True, metadata={"description": "Who sent it."})
    line_count = fields.Integer(required=True)
    posted_count = fields.Integer(required=True)
    refused_count = fields.Integer(required=True)
    refusal = fields.Dict(keys=fields.String(), allow_none=True)
    approval_id = fields.UUID(allow_none=True)
    created_at = Instant(required=True)
    ended_at = Instant(allow_none=True)


def _nested(errors: lines.Errors) -> dict[Any, Any]:
    """Errors by line and field, as marshmallow nests them: {"amount/currency": ...} within "amount"."""
    nested: dict[Any, Any] = {}
    for position, of_fields in errors.items():
        for path, details in of_fields.items():
            level = nested.setdefault(position, {})
            *above, name = path.split("/")
            for step in above:
                level = level.setdefault(step, {})
            level[name] = details
    return nested
