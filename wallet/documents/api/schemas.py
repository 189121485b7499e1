"""Statements and receipts on the wire."""

from typing import Any, get_args

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import CURRENCY, BalanceMoneySchema, Instant, MoneySchema, PageArgs
from wallet.api.schemas import EntrySchema
from wallet.receipts import Kind

_NAME = validate.Length(min=1, max=40)
_AMOUNT = validate.Range(min=0, max=MAX_AMOUNT_MINOR)


class AsOfArgs(Schema):
    """`?as_of=2026-10-31T00:00:00Z`."""

    as_of = Instant(
        load_default=None,
        metadata={"description": "What stood there then, by business time, that instant included; none to come."},
    )


class RecordedAsOfArgs(AsOfArgs):
    """`?as_of=&as_recorded_at=`."""

    as_recorded_at = Instant(
        load_default=None,
        metadata={"description": "Leave out what was recorded later: what the ledger would have answered then."},
    )


class EntryArgs(PageArgs):
    """What to look for; left out, everything fits. Times are those at which transfers took effect."""

    kind = fields.String(load_default=None, validate=_NAME, metadata={"example": "payment"})
    purpose = fields.String(load_default=None, validate=_NAME, metadata={"example": "cash"})
    currency = fields.String(load_default=None, validate=CURRENCY)
    since = Instant(load_default=None, data_key="from", metadata={"description": "This instant and later."})
    until = Instant(load_default=None, metadata={"description": "Before this instant."})
    merchant_id = fields.UUID(load_default=None)
    min_amount_minor = fields.Integer(
        load_default=None, validate=_AMOUNT, metadata={"description": "Whichever way it moved."}
    )
    max_amount_minor = fields.Integer(load_default=None, validate=_AMOUNT)
    text = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=140),
        metadata={"description": "Stands in the reference, in upper or lower case."},
    )

    @validates_schema
    def _is_in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("since") and data.get("until") and data["since"] >= data["until"]:
            raise ValidationError("Must be later than from.", "until")
        least, most = data.get("min_amount_minor"), data.get("max_amount_minor")
        if least is not None and most is not None and least > most:
            raise ValidationError("Must not be less than min_amount_minor.", "max_amount_minor")


class RecordedEntryArgs(EntryArgs):
    as_recorded_at = Instant(load_default=None, metadata={"description": "What was recorded by then."})


class RecordedEntrySchema(EntrySchema):
    """`occurred_at` is business time, `recorded_at` when the ledger took it down."""

    recorded_at = Instant(required=True)


class MonthSchema(Schema):
    """`is_complete` is false for the current month, whose statement holds what there is until now."""

    month = fields.String(required=True, metadata={"example": "2026-10"})
    is_complete = fields.Boolean(required=True)


class MonthsSchema(Schema):
    items = fields.List(fields.Nested(MonthSchema()), required=True)


class ReceiptPartSchema(Schema):
    """What one source gave, in minor units of the payment's currency, and how much of it has gone back."""

    kind = fields.String(required=True, validate=validate.OneOf(get_args(Kind)), metadata={"example": "gift_card"})
    amount_minor = fields.Integer(required=True)
    refunded_minor = fields.Integer(required=True)
    voucher_id = fields.UUID(metadata={"description": "Of a gift card."})
    points = fields.Integer(metadata={"description": "Where points paid: how many."})
    points_refunded = fields.Integer(metadata={"description": "How many of them have gone back."})


class ReceiptRefundSchema(Schema):
    id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    reference = fields.String(allow_none=True)
    refunded_at = Instant(required=True)


class ReceiptSchema(Schema):
    """A payment with its parts and refunds. `amount` holds the tip; the parts add up to it."""

    id = fields.UUID(required=True)
    merchant_id = fields.UUID(required=True)
    merchant_name = fields.String(required=True)
    store_id = fields.UUID(allow_none=True)
    store_name = fields.String(allow_none=True)
    amount = fields.Nested(MoneySchema(), required=True)
    tip = fields.Nested(BalanceMoneySchema(), required=True)
    parts = fields.List(fields.Nested(ReceiptPartSchema()), required=True)
    refunded = fields.Nested(BalanceMoneySchema(), required=True)
    refunds = fields.List(fields.Nested(ReceiptRefundSchema()), required=True)
    reference = fields.String(allow_none=True)
    approval_id = fields.UUID(allow_none=True)
    paid_at = Instant(required=True)
