"""Paying on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import AMOUNT, BalanceMoneySchema, Instant, MoneySchema
from wallet.paying.splits import KINDS

#: Characters of a till's reference.
MOST_REFERENCE = 100
TILL_REFERENCE = validate.Length(min=1, max=MOST_REFERENCE)
CODE = validate.Length(min=1, max=512)
TIP = validate.Range(min=0, max=2**53 - 1)
KIND = validate.OneOf(KINDS)
_EACH_ONCE = "Name each kind once."


def _each_once(kinds: list[str]) -> None:
    if len(set(kinds)) < len(kinds):
        raise ValidationError(_EACH_ONCE)


def kinds_field(**more: Any) -> fields.Field[Any]:
    """Kinds of source in the order in which they pay."""
    return fields.List(
        fields.String(validate=KIND),
        validate=[validate.Length(min=1, max=len(KINDS)), _each_once],
        metadata={"example": ["promotional", "gift_card", "cash"]},
        **more,
    )


class SourceSchema(Schema):
    """Something to pay with; each gives what it can, in the order sent."""

    kind = fields.String(required=True, validate=KIND)
    voucher_id = fields.UUID(
        metadata={"description": "One gift card. Left out: all of them, the next to expire first."}
    )
    amount_minor = fields.Integer(
        strict=True, validate=AMOUNT, metadata={"description": "The most that it shall give. Left out: all it has."}
    )

    @validates_schema
    def _is_card(self, data: dict[str, Any], **_: Any) -> None:
        if "voucher_id" in data and data.get("kind") != "gift_card":
            raise ValidationError("Only a gift card is named by its voucher_id.", "voucher_id")


class PreferencesSchema(Schema):
    """Kinds that are left out pay only where a payment names them."""

    sources = kinds_field(required=True)


class CodeArgsSchema(Schema):
    code = fields.String(required=True, validate=CODE, metadata={"description": "The text of the scanned QR."})


class SeenCodeSchema(Schema):
    """Whom the code pays. `amount`: exactly what a basket costs; null where the customer says how much."""

    merchant_id = fields.UUID(required=True)
    merchant_name = fields.String(required=True)
    store_id = fields.UUID(required=True)
    store_name = fields.String(required=True)
    currency = fields.String(required=True)
    amount = fields.Nested(MoneySchema(), required=True, allow_none=True)
    tip_allowed = fields.Boolean(required=True)
    payment_request_id = fields.UUID(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)


class StoreCodeSchema(Schema):
    """The text that the QR of the store holds."""

    code = fields.String(required=True)


class PaymentRequestArgsSchema(Schema):
    amount = fields.Nested(MoneySchema(), required=True)
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)
    tip_allowed = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    expires_in_seconds = fields.Integer(strict=True, load_default=900, validate=validate.Range(min=30, max=86_400))


class PaymentRequestSchema(Schema):
    """`code`: the text that the basket's QR holds; null once it cannot be paid any more."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["open", "paid", "cancelled", "expired"]))
    amount = fields.Nested(MoneySchema(), required=True)
    tip = fields.Nested(BalanceMoneySchema(), required=True)
    tip_allowed = fields.Boolean(required=True)
    till_reference = fields.String(required=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    expires_at = Instant(required=True)


class TillPaymentArgsSchema(Schema):
    """`amount` is without the tip."""

    customer_code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "What the till scanned off the customer's phone."},
    )
    amount = fields.Nested(MoneySchema(), required=True)
    tip_minor = fields.Integer(strict=True, load_default=0, validate=TIP)
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)
    source_order = kinds_field(load_default=None, allow_none=True)


class GiftCardTopupArgsSchema(Schema):
    amount_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=AMOUNT,
        metadata={"description": "In the card's currency. Left out: all that is on it."},
    )


class GiftCardTopupSchema(Schema):
    """`cash`: what was paid for with money. The rest, which the brand gave, is promotional value from now on."""

    id = fields.UUID(required=True)
    voucher_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    cash = fields.Nested(BalanceMoneySchema(), required=True)
    topped_up_at = Instant(required=True)


class HoldArgsSchema(Schema):
    """Points cannot be held."""

    customer_code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "What the till scanned off the customer's phone."},
    )
    amount = fields.Nested(MoneySchema(), required=True)
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)
    expires_in_seconds = fields.Integer(
        strict=True, load_default=3600, validate=validate.Range(min=60, max=30 * 86_400)
    )
    source_order = kinds_field(load_default=None, allow_none=True)


class HoldSchema(Schema):
    """`left`: what can still be captured."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["open", "captured", "voided", "expired"]))
    kind = fields.String(required=True, metadata={"example": "payment"})
    merchant_id = fields.UUID(required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    amount = fields.Nested(MoneySchema(), required=True)
    captured = fields.Nested(BalanceMoneySchema(), required=True)
    left = fields.Nested(BalanceMoneySchema(), required=True)
    expires_at = Instant(required=True)
    created_at = Instant(required=True)


class CaptureArgsSchema(Schema):
    amount_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=AMOUNT,
        metadata={"description": "In the hold's currency, with the tip. Left out: all that is left."},
    )
    tip_minor = fields.Integer(strict=True, load_default=0, validate=TIP)
    final = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "What is left after it is the customer's again."},
    )

    @validates_schema
    def _holds_its_tip(self, data: dict[str, Any], **_: Any) -> None:
        if data["tip_minor"] and data["tip_minor"] >= (data["amount_minor"] or 0):
            raise ValidationError("Must be less than amount_minor, of which it is a part.", "tip_minor")
