"""Rollbacks on the wire."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import AMOUNT, BalanceMoneySchema, Instant
from rewards.api.schemas import QUANTITY, RedemptionSchema

REASON = validate.Length(min=1, max=200)


class ReturnedLineSchema(Schema):
    """A line that comes back: so many of its pieces, or so much of its amount; without either, all that is left."""

    position = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0, max=999),
        metadata={"description": "The line's place in the basket, from 0."},
    )
    quantity = fields.String(validate=QUANTITY, metadata={"example": "1"})
    amount_minor = fields.Integer(strict=True, validate=AMOUNT)

    @validates_schema
    def check_one(self, line: dict[str, Any], **_: Any) -> None:
        if "quantity" in line and "amount_minor" in line:
            raise ValidationError({"quantity": ["Send either quantity or amount_minor."]})
        if "quantity" in line and not Decimal(line["quantity"]):
            raise ValidationError({"quantity": ["Must be more than nothing."]})


class CheckoutRollbackArgsSchema(Schema):
    """Without `lines` all that is left of the basket comes back."""

    lines = fields.List(
        fields.Nested(ReturnedLineSchema()),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=1_000),
    )
    reason = fields.String(load_default=None, allow_none=True, validate=REASON, metadata={"example": "sour milk"})

    @validates_schema
    def check_each_once(self, args: dict[str, Any], **_: Any) -> None:
        positions = [line["position"] for line in args.get("lines") or ()]
        if len(set(positions)) < len(positions):
            raise ValidationError({"lines": ["Name each line once."]})


class RedemptionRollbackArgsSchema(Schema):
    """Without `amount_minor` all that is left of what the voucher gave comes back, and with it the voucher's use."""

    amount_minor = fields.Integer(strict=True, load_default=None, allow_none=True, validate=AMOUNT)
    reason = fields.String(load_default=None, allow_none=True, validate=REASON)


class LineBackSchema(Schema):
    position = fields.Integer()
    amount_minor = fields.Integer()
    quantity = fields.String()


class RedemptionBackSchema(Schema):
    """`is_whole`: the voucher can be used again."""

    redemption_id = fields.UUID()
    amount_minor = fields.Integer()
    is_whole = fields.Boolean()


class RollbackSchema(Schema):
    """`at_till`: how much of the amount the till gives back itself. `refund_id` null: no value had to move."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["rollback", "void", "reversal"]))
    checkout_id = fields.UUID(allow_none=True)
    redemption_id = fields.UUID(allow_none=True)
    amount = fields.Nested(BalanceMoneySchema())
    at_till = fields.Nested(BalanceMoneySchema())
    lines = fields.List(fields.Nested(LineBackSchema()))
    redemptions = fields.List(fields.Nested(RedemptionBackSchema()))
    refund_id = fields.UUID(allow_none=True)
    reason = fields.String(allow_none=True)
    rolled_back_at = Instant()


class RedemptionStateSchema(RedemptionSchema):
    """`back`: how much of the amount has gone back."""

    state = fields.String(validate=validate.OneOf(["succeeded", "partially_rolled_back", "rolled_back"]))
    back = fields.Nested(BalanceMoneySchema())
    rolled_back_at = Instant(allow_none=True)


class ReversalSchema(Schema):
    """`payment_id` and `redemption_id` null: nothing stood under this reference, and nothing will any more."""

    till_reference = fields.String(required=True)
    payment_id = fields.UUID(required=True, allow_none=True)
    redemption_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Of a voucher that was redeemed by itself."}
    )
    amount = fields.Nested(BalanceMoneySchema(), required=True, allow_none=True)
    at_till = fields.Nested(
        BalanceMoneySchema(),
        required=True,
        allow_none=True,
        metadata={"description": "Of a basket: what the till gives back itself, beside the amount."},
    )
    reversed_at = Instant(required=True)
