"""Reservations on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant
from rewards.api.schemas import CheckoutArgsSchema, LeftOutVoucherSchema
from rewards.reservations.placing import LASTS, LONGEST, SHORTEST


class ReservationArgsSchema(CheckoutArgsSchema):
    """A basket as for a checkout, without what pays the rest: that is said when it is taken."""

    class Meta:
        exclude = ("reservation_id", "rest", "source_order")

    expires_in_seconds = fields.Integer(
        load_default=int(LASTS.total_seconds()),
        strict=True,
        validate=validate.Range(min=int(SHORTEST.total_seconds()), max=int(LONGEST.total_seconds())),
    )


class ReservedVoucherSchema(Schema):
    voucher_id = fields.UUID()
    campaign_id = fields.UUID()
    amount = fields.Nested(BalanceMoneySchema())
    lines = fields.List(
        fields.List(fields.Integer()), metadata={"description": "[position, amount_minor] of what it takes off a line."}
    )


class ReservationSchema(Schema):
    """`total` = `discount` (coupons) + `gift` (gift cards) + `rest` (to be paid when the basket is taken)."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(["open", "taken", "released", "expired", "reversed"]))
    total = fields.Nested(BalanceMoneySchema())
    discount = fields.Nested(BalanceMoneySchema())
    gift = fields.Nested(BalanceMoneySchema())
    rest = fields.Nested(BalanceMoneySchema())
    vouchers = fields.List(fields.Nested(ReservedVoucherSchema()))
    left_out = fields.List(fields.Nested(LeftOutVoucherSchema()), metadata={"description": "As a checkout's."})
    till_reference = fields.String()
    checkout_id = fields.UUID(allow_none=True)
    reserved_at = Instant()
    reserved_until = Instant()
    ended_at = Instant(allow_none=True)
