"""Rewards on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.money import MAX_AMOUNT_MINOR
from core.web.plain import PlainSchema
from core.web.schemas import CURRENCY, BalanceMoneySchema, Instant, PageArgs
from rewards.discounts import COUPON_KINDS
from wallet.paying.api.schemas import kinds_field

TILL_REFERENCE = validate.Length(min=1, max=100)
AMOUNT_OR_NOTHING = validate.Range(min=0, max=MAX_AMOUNT_MINOR)
#: Of a field that takes what was scanned off the customer's phone.
CUSTOMER_CODE: dict[str, Any] = {
    "validate": validate.Length(min=1, max=100),
    "metadata": {"description": "What the till scanned off the customer's phone."},
}
VISIT: dict[str, Any] = {
    "load_default": None,
    "allow_none": True,
    "metadata": {"description": "In place of a scan: a visit that this terminal has opened by one."},
}
QUANTITY = validate.Regexp(r"\d{1,9}(\.\d{1,6})?\Z", error="Must be a decimal number as text, such as 0.435.")


class DiscountSchema(Schema):
    """For coupons one of

    {"kind": "amount", "amount_minor": 500},
    {"kind": "percentage", "bps": 1500, "cap_minor": 1000},
    {"kind": "lines", "needs_covered_line": true},
    {"kind": "buy_get", "buy": 2, "get": 1, "bps": 10000, "times": 3, "get_skus": ["cup"], "cap_minor": 900},
    {"kind": "cheapest_free", "of": 3, "times": 1, "cap_minor": 900},
    {"kind": "fixed_price", "quantity": 3, "price_minor": 999, "times": 2} or
    {"kind": "free_item", "sku": "cup", "most": 1};
    for gift cards {"kind": "value", "amount_minor": 2500}."""

    kind = fields.String(required=True, validate=validate.OneOf([*COUPON_KINDS, "value"]))
    amount_minor = fields.Integer(strict=True)
    bps = fields.Integer(
        strict=True,
        metadata={"description": "Basis points: 1500 is 15 %. Of `buy_get`: off what is given, 10000 if unset."},
    )
    cap_minor = fields.Integer(
        strict=True, allow_none=True, metadata={"description": "The most that one use takes off."}
    )
    needs_covered_line = fields.Boolean()
    buy = fields.Integer(strict=True, metadata={"description": "Pieces to buy for each gift."})
    get = fields.Integer(strict=True, metadata={"description": "Pieces given: the cheapest."})
    get_skus = fields.List(
        fields.String(), allow_none=True, metadata={"description": "What is given; left out: of what is bought."}
    )
    of = fields.Integer(strict=True, metadata={"description": "Of so many pieces the cheapest is free."})
    quantity = fields.Integer(strict=True, metadata={"description": "Pieces that together cost `price_minor`."})
    price_minor = fields.Integer(strict=True)
    times = fields.Integer(
        strict=True, allow_none=True, metadata={"description": "The most often in one basket; left out: no limit."}
    )
    sku = fields.String(metadata={"description": "The product that is free."})
    most = fields.Integer(strict=True, metadata={"description": "How many pieces of it, 1 if unset."})


class PublicationArgsSchema(Schema):
    """Without `customer_id` it is a generic code, for which `code` may be chosen."""

    customer_id = fields.UUID(load_default=None, allow_none=True)
    code = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=4, max=30))
    source = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=100),
        metadata={"description": "Your name of the cause: the same one gives the same voucher."},
    )


class PublicationSchema(Schema):
    """`code` only of a generic voucher: a customer's own is for their eyes."""

    id = fields.UUID()
    campaign_id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    code = fields.String(allow_none=True)
    last4 = fields.String()
    expires_at = Instant(allow_none=True)
    issued_at = Instant()


class VoucherPageArgs(PageArgs):
    state = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(["active", "used_up", "expired", "blocked"])
    )


class VoucherSchema(Schema):
    """A voucher in the customer's wallet. `uses_left` is a coupon's (null: no limit), `value` a gift card's."""

    id = fields.UUID()
    campaign_id = fields.UUID()
    name = fields.String()
    kind = fields.String()
    discount = fields.Dict()
    currency = fields.String()
    min_spend_minor = fields.Integer()
    state = fields.String()
    last4 = fields.String()
    uses_left = fields.Integer(allow_none=True)
    value = fields.Nested(BalanceMoneySchema(), allow_none=True)
    expires_at = Instant(allow_none=True)
    issued_at = Instant()
    is_transferable = fields.Boolean(metadata={"description": "The customer may give it to a friend."})


class VoucherWithCodeSchema(VoucherSchema):
    code = fields.String(metadata={"example": "7KQ2-M9ZP-4XHD-3RTB"})


class LineSchema(PlainSchema):
    """`amount_minor` is for all of the quantity, after price reductions; `coupon_minor` what the till's price list lets
    a coupon that covers the line take off; `tax_minor` the tax within the amount."""

    sku = fields.String(required=True, validate=validate.Length(min=1, max=64))
    category = fields.String(load_default="", validate=validate.Length(max=100))
    quantity = fields.String(required=True, validate=QUANTITY, metadata={"example": "2"})
    unit = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=20))
    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT_OR_NOTHING, metadata={"example": 450})
    coupon_minor = fields.Integer(strict=True, load_default=0, validate=AMOUNT_OR_NOTHING)
    tax_minor = fields.Integer(strict=True, load_default=0, validate=AMOUNT_OR_NOTHING)


class BasketSchema(PlainSchema):
    lines = fields.List(fields.Nested(LineSchema()), required=True, validate=validate.Length(min=1, max=1_000))

    @validates_schema
    def check_total(self, basket: dict[str, Any], **_: Any) -> None:
        if sum(line["amount_minor"] for line in basket["lines"]) > MAX_AMOUNT_MINOR:
            raise ValidationError({"lines": ["They come to more than 9007199254740991."]})


class RedemptionArgsSchema(PlainSchema):
    """One of `code` and `voucher_id`; `visit_id` where the till knows whose basket it is."""

    code = fields.String(validate=validate.Length(min=1, max=100))
    voucher_id = fields.UUID()
    visit_id = fields.UUID(**VISIT)
    basket = fields.Nested(BasketSchema(), required=True)
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)

    @validates_schema
    def check_one(self, args: dict[str, Any], **_: Any) -> None:
        if ("code" in args) == ("voucher_id" in args):
            raise ValidationError({"code": ["Send either code or voucher_id."]})


class RedemptionSchema(PlainSchema):
    id = fields.UUID()
    voucher_id = fields.UUID()
    campaign_id = fields.UUID()
    amount = fields.Nested(BalanceMoneySchema())
    till_reference = fields.String()
    redeemed_at = Instant()


class CheckoutArgsSchema(Schema):
    """`vouchers` are codes or ids, coupons applied in this order; or `apply_best` takes all that apply.

    What they leave is paid out of the wallet, in the customer's preferred order or in `source_order`; there a gift card
    is not among it, since it pays as a voucher. Or the till collects it itself, in cash or by card: `rest` "till".
    """

    customer_code = fields.String(load_default=None, allow_none=True, **CUSTOMER_CODE)
    visit_id = fields.UUID(**VISIT)
    reservation_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "In place of customer, basket, currency and vouchers: those that were reserved."},
    )
    basket = fields.Nested(BasketSchema(), load_default=None, allow_none=True)
    vouchers = fields.List(
        fields.String(validate=validate.Length(min=1, max=100)), load_default=list, validate=validate.Length(max=30)
    )
    apply_best = fields.Boolean(load_default=False)
    apply = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "part"]),
        metadata={
            "description": "part: of `vouchers` those are left out that cannot be used, instead of refusing all."
        },
    )
    currency = fields.String(load_default=None, allow_none=True, validate=CURRENCY, metadata={"example": "USD"})
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)
    rest = fields.String(
        load_default="wallet",
        validate=validate.OneOf(["wallet", "till"]),
        metadata={"description": "Who collects what the vouchers leave: till, in cash or by card; `at_till` says it."},
    )
    source_order = kinds_field(load_default=None, allow_none=True)

    @validates_schema
    def check_one(self, args: dict[str, Any], **_: Any) -> None:
        if args.get("rest") == "till" and args.get("source_order"):
            raise ValidationError({"source_order": ["The wallet pays nothing where the till collects the rest."]})
        reserved = ("basket", "currency", "vouchers", "apply_best", "customer_code", "visit_id")
        if args.get("reservation_id") is not None:
            if beside := [name for name in reserved if args.get(name)]:
                raise ValidationError({name: ["It stands with the reservation."] for name in beside})
            return
        if missing := [name for name in reserved[:2] if args.get(name) is None]:
            raise ValidationError({name: ["Missing data for required field."] for name in missing})
        if (args.get("customer_code") is None) == (args.get("visit_id") is None):
            raise ValidationError({"customer_code": ["Send either customer_code or visit_id."]})
        if args.get("apply_best") and args.get("vouchers"):
            raise ValidationError({"apply_best": ["Send either vouchers or apply_best."]})


class LeftOutVoucherSchema(Schema):
    """A voucher that was shown and is not used: its place in `vouchers`, and the code of what it is refused for; or
    adds_nothing, where nothing was left for a gift card to pay."""

    voucher = fields.Integer()
    code = fields.String(metadata={"example": "minimum_spend"})


class CheckoutSchema(Schema):
    """`total` = `discount` (coupons) + `gift` (gift cards) + `paid` (from the wallet) + `at_till` (to be collected
    by the till itself). `payment_id` null: no value moved."""

    id = fields.UUID()
    total = fields.Nested(BalanceMoneySchema())
    discount = fields.Nested(BalanceMoneySchema())
    gift = fields.Nested(BalanceMoneySchema())
    paid = fields.Nested(BalanceMoneySchema())
    at_till = fields.Nested(BalanceMoneySchema())
    redemptions = fields.List(fields.Nested(RedemptionSchema()))
    left_out = fields.List(
        fields.Nested(LeftOutVoucherSchema()), metadata={"description": "With `apply` part: of `vouchers`, the rest."}
    )
    payment_id = fields.UUID(allow_none=True)
    till_reference = fields.String()
    completed_at = Instant()
