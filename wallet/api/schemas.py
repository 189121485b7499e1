"""The wallet on the wire."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from core.web.plain import PlainSchema
from core.web.schemas import BalanceMoneySchema, Instant, MoneySchema
from wallet.paying.api.schemas import CODE, TIP, SourceSchema

REFERENCE = validate.Length(min=1, max=140)


class BalanceSchema(PlainSchema):
    """What stands on one account. `available` can be spent; `amount_minor` of points counts points."""

    purpose = fields.String(required=True, metadata={"example": "cash"})
    balance = fields.Nested(BalanceMoneySchema(), required=True)
    available = fields.Nested(BalanceMoneySchema(), required=True)


class WalletSchema(PlainSchema):
    items = fields.List(fields.Nested(BalanceSchema()), required=True)
    as_of = Instant(metadata={"description": "Where it was asked for: the instant at which this stood there."})


class EntrySchema(PlainSchema):
    """One line of the statement: a negative amount left the account."""

    id = fields.String(required=True, metadata={"example": "0193…:cash:USD"})
    transfer_id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"example": "payment"})
    purpose = fields.String(required=True, metadata={"example": "cash"})
    amount = fields.Nested(BalanceMoneySchema(), required=True)
    balance_after = fields.Nested(BalanceMoneySchema(), required=True)
    merchant_id = fields.UUID(allow_none=True)
    reference = fields.String(allow_none=True)
    occurred_at = Instant(required=True)


class PaymentArgsSchema(PlainSchema):
    """Whom to pay: a merchant, one of its stores, or the store or basket whose code was scanned.

    Without `sources`, a code is paid in the customer's preferred order, and anything else out of cash.
    """

    merchant_id = fields.UUID()
    store_id = fields.UUID()
    code = fields.String(validate=CODE, metadata={"description": "The text of the scanned QR."})
    amount = fields.Nested(
        MoneySchema(),
        load_default=None,
        metadata={"description": "Without the tip. May be left out where a basket's code says it."},
    )
    tip_minor = fields.Integer(strict=True, load_default=0, validate=TIP)
    sources = fields.List(
        fields.Nested(SourceSchema()),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=20),
        metadata={"description": "What pays, in order; each gives what it can."},
    )
    reference = fields.String(validate=REFERENCE, load_default=None, allow_none=True)
    approval_id = fields.UUID(load_default=None, allow_none=True)

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if sum(name in data for name in ("merchant_id", "store_id", "code")) != 1:
            raise ValidationError("Send one of merchant_id, store_id and code.", "merchant_id")
        if data["amount"] is None and "code" not in data:
            raise ValidationError("Missing data for required field.", "amount")


class PaymentPartSchema(PlainSchema):
    """What one source gave. `points`: how many points that took."""

    kind = fields.String(required=True, metadata={"example": "gift_card"})
    amount_minor = fields.Integer(required=True)
    voucher_id = fields.UUID(metadata={"description": "Of a gift card."})
    points = fields.Integer(metadata={"description": "Where points paid: how many."})


class PaymentSchema(PlainSchema):
    """`amount` holds the tip."""

    id = fields.UUID(required=True)
    merchant_id = fields.UUID(required=True)
    store_id = fields.UUID(allow_none=True)
    amount = fields.Nested(MoneySchema(), required=True)
    tip = fields.Nested(BalanceMoneySchema(), required=True)
    parts = fields.List(fields.Nested(PaymentPartSchema()), required=True)
    refunded = fields.Nested(BalanceMoneySchema(), required=True)
    reference = fields.String(allow_none=True)
    approval_id = fields.UUID(allow_none=True)
    paid_at = Instant(required=True)


class RefundArgsSchema(PlainSchema):
    amount_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1),
        metadata={"description": "In the payment's currency. Left out: all that has not gone back yet."},
    )
    reference = fields.String(validate=REFERENCE, load_default=None, allow_none=True)


class RefundSchema(PlainSchema):
    id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    reference = fields.String(allow_none=True)
    refunded_at = Instant(required=True)


class PayableSchema(PlainSchema):
    """What the brand owes the merchant, one amount for each currency."""

    items = fields.List(fields.Nested(BalanceMoneySchema()), required=True)
