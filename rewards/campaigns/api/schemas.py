"""Campaigns on the wire."""

from marshmallow import Schema, fields, validate

from auth.approval_lists import STATUSES
from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import CURRENCY, BalanceMoneySchema, Instant
from rewards.api.schemas import AMOUNT_OR_NOTHING, DiscountSchema

_COUNT = validate.Range(min=1, max=2**31 - 1)
_NAME = validate.Length(min=1, max=200)
_WORDS = validate.Length(min=1, max=500)


class CampaignTermsSchema(Schema):
    """What can be changed later, too."""

    name = fields.String(required=True, validate=_NAME)
    discount = fields.Nested(DiscountSchema(), required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    skus = fields.List(
        fields.String(validate=validate.Length(min=1, max=64)),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=20_000),
        metadata={"description": "The products that a coupon covers; left out: all."},
    )
    min_spend_minor = fields.Integer(strict=True, load_default=0, validate=AMOUNT_OR_NOTHING)
    limit_total = fields.Integer(strict=True, load_default=None, allow_none=True, validate=_COUNT)
    limit_per_customer = fields.Integer(
        strict=True,
        load_default=1,
        allow_none=True,
        validate=_COUNT,
        metadata={"description": "Uses of a coupon, or gift cards; null: no limit."},
    )
    limits = fields.List(
        fields.Dict(),
        load_default=list,
        metadata={
            "description": "Further limits of a coupon: scope (total, customer, store), measure (uses, amount), period "
            "(ever, day, week, month of the brand's calendar), most.",
            "example": [{"scope": "store", "measure": "uses", "period": "day", "most": 100}],
        },
    )
    schedule = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "When in the week a coupon can be used, by the brand's clock; left out: always.",
            "example": {"weekly": [{"days": ["fri"], "from": "17:00", "to": "19:00"}], "except": ["2026-12-25"]},
        },
    )
    rule = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "What a basket and its customer must meet; left out: nothing more.",
            "example": {"fact": "basket.lines", "is": "at_least", "value": 3},
        },
    )
    holdout_bps = fields.Integer(
        strict=True,
        load_default=1_000,
        validate=validate.Range(min=0, max=10_000),
        metadata={"description": "The share of customers, in basis points, who are never given it."},
    )
    funders = fields.List(
        fields.Dict(),
        load_default=list,
        metadata={
            "description": "Who fills the budget, by basis points: brand, merchant:<id>, partner:<name>; left out: "
            "the brand alone.",
            "example": [{"funder": "brand", "bps": 7500}, {"funder": "partner:dairy", "bps": 2500}],
        },
    )
    category = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=50),
        metadata={"description": "A basket takes one coupon of a category."},
    )
    is_exclusive = fields.Boolean(load_default=False, metadata={"description": "No other coupon beside it."})
    priority = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=-1_000, max=1_000))
    uses_per_code = fields.Integer(
        strict=True,
        load_default=1,
        allow_none=True,
        validate=_COUNT,
        metadata={"description": "Of a code of a batch that nobody has claimed; null: no limit."},
    )
    is_transferable = fields.Boolean(
        load_default=False,
        metadata={"description": "Customers may give its coupons to friends; gift cards they always may."},
    )
    voucher_days = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(min=1, max=36_500)
    )


class CampaignArgsSchema(CampaignTermsSchema):
    kind = fields.String(required=True, validate=validate.OneOf(["coupon", "gift_card"]))
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    audience = fields.List(
        fields.UUID(),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=20_000),
        metadata={"description": "The customers that it is meant for; left out: everyone."},
    )
    budget_minor = fields.Integer(strict=True, load_default=0, validate=AMOUNT_OR_NOTHING)


class CampaignSchema(Schema):
    """A campaign, with what is left of its budget, what was given and what was used."""

    id = fields.UUID()
    name = fields.String()
    kind = fields.String()
    discount = fields.Dict()
    currency = fields.String()
    is_scoped = fields.Boolean()
    has_audience = fields.Boolean()
    min_spend_minor = fields.Integer()
    limit_total = fields.Integer(allow_none=True)
    limit_per_customer = fields.Integer(allow_none=True)
    limits = fields.List(fields.Dict())
    schedule = fields.Dict(allow_none=True)
    rule = fields.Dict(allow_none=True)
    holdout_bps = fields.Integer()
    funders = fields.List(fields.Dict())
    category = fields.String(allow_none=True)
    is_exclusive = fields.Boolean()
    priority = fields.Integer()
    uses_per_code = fields.Integer(allow_none=True)
    is_transferable = fields.Boolean()
    voucher_days = fields.Integer(allow_none=True)
    status = fields.String(attribute="state", metadata={"example": "running"})
    revision = fields.Integer(metadata={"description": "Counts its changes."})
    needs_approval = fields.Boolean(metadata={"description": "Before it may run with this budget."})
    starts_at = Instant()
    ends_at = Instant()
    created_at = Instant()
    copied_from = fields.UUID(allow_none=True)
    funded = fields.Nested(BalanceMoneySchema())
    budget_left = fields.Nested(BalanceMoneySchema())
    issued = fields.Integer()
    redemptions = fields.Integer()
    redeemed = fields.Nested(BalanceMoneySchema())


class FundingArgsSchema(Schema):
    amount_minor = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=MAX_AMOUNT_MINOR))


class StatusArgsSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["running", "paused", "ended"]))


class CopyArgsSchema(Schema):
    name = fields.String(required=True, validate=_NAME)
    starts_at = Instant(load_default=None, allow_none=True)
    ends_at = Instant(load_default=None, allow_none=True)
    keeps_holdout = fields.Boolean(
        load_default=False, metadata={"description": "Hold the same customers out of it as of the first one."}
    )


class CampaignVersionSchema(Schema):
    """A campaign's terms from one change to the next."""

    revision = fields.Integer()
    terms = fields.Dict()
    made_by = fields.String()
    made_at = Instant()


class ApprovalArgsSchema(Schema):
    up_to_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_AMOUNT_MINOR),
        metadata={"description": "Up to which budget; left out: what it has."},
    )
    note = fields.String(
        load_default=None,
        allow_none=True,
        validate=_WORDS,
        metadata={"description": "For the second person. It is kept sealed."},
    )


class AskedCampaignApprovalSchema(Schema):
    """`terms` is what is agreed to: any others need a word of their own."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    campaign_id = fields.UUID(required=True)
    revision = fields.Integer(required=True)
    terms = fields.Dict(required=True)
    up_to = fields.Nested(BalanceMoneySchema(), required=True)
    asked_by = fields.String(required=True)
    asked_at = Instant(required=True)
    decide_before = Instant(required=True)
    decided_by = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)


class CampaignApprovalSchema(AskedCampaignApprovalSchema):
    """With what people wrote about it."""

    note = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)


class CampaignDecisionArgsSchema(Schema):
    approve = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = fields.String(load_default=None, allow_none=True, validate=_WORDS)
