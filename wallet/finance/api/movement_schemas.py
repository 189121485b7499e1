"""Adjustments and batches on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from auth.approval_lists import STATUSES
from core.web.schemas import Instant, MoneySchema, PageArgs
from wallet.api.schemas import REFERENCE
from wallet.finance import places
from wallet.finance.adjustments import REASONS
from wallet.finance.places import Place

_STATUSES = ["posted" if status == "approved" else status for status in STATUSES]
_WORDS = validate.Length(min=1, max=1000)


class PlaceField(fields.String):
    """An account in words: "customer:<id>:cash", "merchant:<id>", "brand:marketing"."""

    def __init__(self, **options: Any) -> None:
        known = ", ".join(f"brand:{purpose} ({meaning})" for purpose, meaning in places.BRANDS_OWN.items())
        example = "customer:019a9a4e-7d51-7c3c-a1f0-6a0e3c1f9b11:cash"
        super().__init__(metadata={"description": f"{places.FORMS}. {known}.", "example": example}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Place:  # type: ignore[override]
        text: str = super()._deserialize(value, attr, data, **more)
        try:
            return places.read(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class AdjustmentArgsSchema(Schema):
    """One amount from one account to another. The side left out is the brand's account that the reason stands for:
    goodwill comes out of marketing (promotional value and points: loyalty), a correction out of suspense, a write-off
    out of losses, a fee out of fees, a payout goes to the bank."""

    source = PlaceField(data_key="from", load_default=None)
    target = PlaceField(data_key="to", load_default=None)
    amount = fields.Nested(MoneySchema(), required=True)
    reason = fields.String(required=True, validate=validate.OneOf(REASONS), metadata={"example": "goodwill"})
    reference = fields.String(
        load_default=None,
        allow_none=True,
        validate=REFERENCE,
        metadata={"description": "A ticket's number, say. It shows on the statement.", "example": "T-1042"},
    )
    expires_at = Instant(
        load_default=None, allow_none=True, metadata={"description": "When promotional value or points lapse."}
    )
    note = fields.String(
        load_default=None,
        allow_none=True,
        validate=_WORDS,
        metadata={"description": "For the second person. It is kept sealed, and goes with the customer's data."},
    )


class AskedAdjustmentSchema(Schema):
    """`posted`: a second person agreed, and the value moved. Nobody can decide it from `decide_before` on."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(_STATUSES))
    source = fields.String(data_key="from", attribute="from", required=True)
    target = fields.String(data_key="to", attribute="to", required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    reason = fields.String(required=True)
    reference = fields.String(allow_none=True)
    expires_at = Instant(allow_none=True)
    asked_by = fields.String(required=True)
    asked_at = Instant(required=True)
    decide_before = Instant(required=True)
    decided_by = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    transfer_id = fields.UUID(allow_none=True)


class AdjustmentSchema(AskedAdjustmentSchema):
    """With what people wrote about it."""

    note = fields.String(allow_none=True)
    decision_reason = fields.String(allow_none=True)


class AdjustmentPageArgs(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(_STATUSES))


class DecisionArgsSchema(Schema):
    approve = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = fields.String(load_default=None, allow_none=True, validate=_WORDS)
