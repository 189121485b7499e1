"""Offers on the wire."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import CURRENCY, BalanceMoneySchema, Instant
from rewards.api.schemas import VISIT, BasketSchema, LeftOutVoucherSchema


class TillQualificationArgsSchema(Schema):
    basket = fields.Nested(BasketSchema(), required=True)
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})


class VisitQualificationArgsSchema(TillQualificationArgsSchema):
    visit_id = fields.UUID(**VISIT)


class QualificationArgsSchema(TillQualificationArgsSchema):
    """`store_id`: the store that the customer is in; left out, offers of certain stores are not told."""

    store_id = fields.UUID(load_default=None, allow_none=True)


class OwnVoucherSchema(Schema):
    id = fields.UUID()
    last4 = fields.String()
    expires_at = Instant(allow_none=True)


class OfferSchema(Schema):
    """`worth` is what it takes off this basket by itself. `vouchers` are the customer's own, the next to expire first;
    without any the offer `needs_code`: one that anybody may show who knows it."""

    campaign_id = fields.UUID()
    name = fields.String()
    discount = fields.Dict()
    worth = fields.Nested(BalanceMoneySchema())
    category = fields.String(allow_none=True, metadata={"description": "A basket takes one coupon of each."})
    is_exclusive = fields.Boolean(metadata={"description": "It takes no other coupon beside it."})
    vouchers = fields.List(fields.Nested(OwnVoucherSchema()))
    needs_code = fields.Boolean()
    expires_at = Instant()


class NearlySchema(Schema):
    """An offer that fits when the basket comes to `missing` more. `gain` is how much more it and the best of the
    customer's own vouchers take off together, of the basket as it is; 0 where it goes with none of them."""

    campaign_id = fields.UUID()
    name = fields.String()
    discount = fields.Dict()
    worth = fields.Nested(BalanceMoneySchema())
    missing = fields.Nested(BalanceMoneySchema())
    gain = fields.Nested(BalanceMoneySchema())
    vouchers = fields.List(fields.Nested(OwnVoucherSchema()))
    needs_code = fields.Boolean()


class BestVoucherSchema(Schema):
    voucher_id = fields.UUID()
    campaign_id = fields.UUID()
    name = fields.String()
    amount = fields.Nested(BalanceMoneySchema())
    lines = fields.List(
        fields.List(fields.Integer()), metadata={"description": "[position, amount_minor] of what it takes off a line."}
    )


class LeftOutSchema(Schema):
    """`code` says why: limit_reached, budget_exhausted, adds_nothing or stacking_excluded: `by` is of its `category` or
    one of both is `exclusive`; or there are `most`."""

    voucher_id = fields.UUID()
    code = fields.String(metadata={"example": "stacking_excluded"})
    worth = fields.Nested(BalanceMoneySchema())
    category = fields.String()
    exclusive = fields.Boolean()
    most = fields.Integer()
    by = fields.UUID()


class BestSchema(Schema):
    """The customer's own vouchers that together take most off, as `apply_best` would take them."""

    total = fields.Nested(BalanceMoneySchema())
    rest = fields.Nested(BalanceMoneySchema(), metadata={"description": "What it leaves to pay."})
    next = fields.Nested(
        NearlySchema(),
        allow_none=True,
        metadata={"description": "Of `nearly`, what is reached first and takes more off than this."},
    )
    vouchers = fields.List(fields.Nested(BestVoucherSchema()))
    left_out = fields.List(fields.Nested(LeftOutSchema()))
    is_exact = fields.Boolean(metadata={"description": "False: it is good, and perhaps not the best of very many."})


class TillQualificationSchema(Schema):
    """At most 50 offers, those worth most first."""

    offers = fields.List(fields.Nested(OfferSchema()))
    nearly = fields.List(fields.Nested(NearlySchema()))


class QualificationSchema(TillQualificationSchema):
    best = fields.Nested(BestSchema())


class ValidationArgsSchema(Schema):
    """`vouchers` are codes or ids, in the order in which they would be used."""

    basket = fields.Nested(BasketSchema(), required=True)
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    vouchers = fields.List(
        fields.String(validate=validate.Length(min=1, max=100)), required=True, validate=validate.Length(min=1, max=30)
    )
    apply = fields.String(load_default="all", validate=validate.OneOf(["all", "part"]))
    visit_id = fields.UUID(**VISIT)

    @validates_schema
    def check_size(self, args: dict[str, Any], **_: Any) -> None:
        if len(args["vouchers"]) * len(args["basket"]["lines"]) > _MOST_WORK:
            raise ValidationError({"vouchers": ["They are too many for so many lines."]})


class ValidatedVoucherSchema(Schema):
    voucher_id = fields.UUID()
    campaign_id = fields.UUID()
    amount = fields.Nested(BalanceMoneySchema())
    lines = fields.List(
        fields.List(fields.Integer()), metadata={"description": "[position, amount_minor] of what it takes off a line."}
    )


class ValidationSchema(Schema):
    """`rest` is what would be left to pay. `refusal`: what a redemption would be refused with, and the place of the
    voucher that it is about."""

    is_valid = fields.Boolean()
    total = fields.Nested(BalanceMoneySchema())
    rest = fields.Nested(BalanceMoneySchema())
    vouchers = fields.List(fields.Nested(ValidatedVoucherSchema()))
    left_out = fields.List(
        fields.Nested(LeftOutVoucherSchema()), metadata={"description": "With `apply` part: of `vouchers`, the rest."}
    )
    refusal = fields.Dict(allow_none=True, metadata={"example": {"code": "voucher_expired", "voucher": 0}})


class AtArgsSchema(QualificationArgsSchema):
    at = Instant(
        load_default=None,
        allow_none=True,
        validate=validate.Range(
            min=datetime(2000, 1, 1, tzinfo=UTC),
            max=datetime(2100, 1, 1, tzinfo=UTC),
            error="Must lie in 2000 to 2099.",
        ),
        metadata={"description": "Left out: now."},
    )


class CampaignCheckArgsSchema(AtArgsSchema):
    """What is left out is not known, as at a till that knows nobody."""

    customer_id = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Needs the permission customers.read, too."}
    )


class CheckSchema(Schema):
    """Every condition by the code with which its refusal is told, and the reason tree of the campaign's rule. `worth`:
    what it takes off, or a gift card pays, if all of them are met."""

    is_met = fields.Boolean()
    worth = fields.Nested(BalanceMoneySchema())
    conditions = fields.List(
        fields.Dict(),
        metadata={"example": [{"code": "minimum_spend", "is_met": False, "needed": 2000, "actual": 1200}]},
    )
    reason = fields.Dict(allow_none=True)


class OtherOfferSchema(Schema):
    """An offer that is not made; `code` is of the first condition that is not met, or no_voucher: the customer holds
    none, and there is no code for all. `voucher_id`: what they hold of it."""

    campaign_id = fields.UUID()
    name = fields.String()
    discount = fields.Dict()
    voucher_id = fields.UUID(allow_none=True)
    code = fields.String(metadata={"example": "minimum_spend"})
    conditions = fields.List(fields.Dict())
    reason = fields.Dict(allow_none=True)


class StaffQualificationSchema(QualificationSchema):
    """`others`: of what runs and is not offered, at most 100: the customer's own first, then by priority; `other_codes`
    counts all of them by their code."""

    others = fields.List(fields.Nested(OtherOfferSchema()))
    other_codes = fields.Dict(keys=fields.String(), values=fields.Integer())


_MOST_WORK = 30_000
