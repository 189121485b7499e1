"""Shapes of results on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import BalanceMoneySchema, Instant
from engage.consents.models import CHANNELS
from engage.results.prices import MOST_PRICES

_COUNTRY = validate.Regexp(r"[A-Z]{2}\Z", error="Must be a two-letter country code, such as US.")
_VERDICTS = ["more", "less", "none", "too_few", "no_holdout", "not_believed"]


class SpanArgsSchema(Schema):
    """Days of the brand's time zone, both included; at most 366 at once."""

    since = fields.Date(load_default=None, metadata={"example": "2026-11-01"})
    until = fields.Date(load_default=None, metadata={"example": "2026-11-30"})

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["since"] and data["until"] and data["until"] < data["since"]:
            raise ValidationError("Must not lie before `since`.", "until")


class ResultRowSchema(Schema):
    """`issued`, `redeemed`: vouchers; `revenue`: of the baskets in which they were redeemed; `cost`: what they took
    off, what was put into wallets, and what the messages cost."""

    entered = fields.Integer()
    ended = fields.Integer()
    converted = fields.Integer()
    issued = fields.Integer()
    sent = fields.Integer()
    inbox = fields.Integer(metadata={"description": "What was said in the app's inbox alone, beside `sent`."})
    delivered = fields.Integer()
    failed = fields.Integer()
    in_doubt = fields.Integer()
    suppressed = fields.Integer(metadata={"description": "Held back right before they would have left."})
    credited = fields.Integer()
    opened = fields.Integer(metadata={"description": "Customers who opened it, each once."})
    clicked = fields.Integer(metadata={"description": "Customers who followed a link of it, each once."})
    unsubscribed = fields.Integer(metadata={"description": "Who took back the channel within a week after a message."})
    redeemed = fields.Integer()
    rolled_back = fields.Integer()
    revenue = fields.Nested(BalanceMoneySchema())
    refunded = fields.Nested(BalanceMoneySchema())
    discount = fields.Nested(BalanceMoneySchema())
    credit = fields.Nested(
        BalanceMoneySchema(), metadata={"description": "Put into wallets, whether it is spent or lapses."}
    )
    message_cost = fields.Nested(BalanceMoneySchema())
    cost = fields.Nested(BalanceMoneySchema())


class ArmResultSchema(ResultRowSchema):
    arm = fields.String()


class StepResultSchema(ResultRowSchema):
    step = fields.String()
    arm = fields.String()
    outcomes = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "How often it did what, in all arms."}
    )


class VariantResultSchema(ResultRowSchema):
    step = fields.String()
    variant = fields.String()


class DayResultSchema(ResultRowSchema):
    date = fields.Date()


class UnpricedSchema(Schema):
    channel = fields.String()
    country = fields.String(allow_none=True)
    messages = fields.Integer()


class ResultsSchema(Schema):
    currency = fields.String()
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    total = fields.Nested(ResultRowSchema())
    arms = fields.List(fields.Nested(ArmResultSchema()))
    steps = fields.List(fields.Nested(StepResultSchema()))
    variants = fields.List(fields.Nested(VariantResultSchema()))
    days = fields.List(fields.Nested(DayResultSchema()), metadata={"description": "The latest 366 with anything."})
    unpriced = fields.List(
        fields.Nested(UnpricedSchema()),
        metadata={"description": "Messages that count as free, since nobody has said what they cost."},
    )
    other_currencies = fields.List(
        fields.String(), metadata={"description": "Vouchers were used in these, too: they stand in no sum here."}
    )


class EffectSchema(Schema):
    """The difference a customer between those treated and those held out. The interval holds on every day on which you
    look: it misses the truth, ever, in one experiment of twenty."""

    estimate = fields.Float(allow_none=True)
    low = fields.Float(allow_none=True)
    high = fields.Float(allow_none=True)
    smallest = fields.Float(
        allow_none=True, metadata={"description": "The smallest effect that the plan could show, four times in five."}
    )
    verdict = fields.String(validate=validate.OneOf(_VERDICTS))
    words = fields.String()


class VariantEffectSchema(EffectSchema):
    """Revenue of those treated for whom a variant was drawn, less that of those held out for whom it was drawn, too.

    A variant is drawn as a customer enters: they count whether they came to the A/B step or not, since those who came
    are other ones in each arm where a message before it made some leave. Who never came makes the difference smaller.
    All variants' intervals together miss the truth, ever, in one experiment of twenty."""

    variant = fields.String()
    against_others = fields.Nested(
        EffectSchema(), metadata={"description": "Less that of those treated for whom another variant was drawn."}
    )


class EffectArmSchema(Schema):
    """`ripe`: whose window is over. Only they count, so nobody's number moves later."""

    arm = fields.String()
    entered = fields.Integer()
    ripe = fields.Integer()
    buyers = fields.Integer()
    converted = fields.Integer()
    revenue_minor = fields.Integer(metadata={"description": "Orders less refunds of those ripe, bounded a customer."})


class SampleRatioSchema(Schema):
    """Whether the arms have the sizes that were planned. At an `evidence` of 1,000 no effect is believed any more."""

    held_out_bps = fields.Integer()
    treated = fields.Integer()
    held_out = fields.Integer()
    evidence = fields.Float()
    is_alarming = fields.Boolean()


class EffectPlanSchema(Schema):
    """Fixed at publication, from the year before."""

    planned_at = Instant()
    customers = fields.Integer(metadata={"description": "How many were expected; the interval goes by it."})
    held_out_bps = fields.Integer(attribute="held_bps")
    outcome_days = fields.Integer()
    bound_minor = fields.Integer(metadata={"description": "What one customer counts for at most."})


class EffectsSchema(Schema):
    as_of = Instant(metadata={"description": "Whose window was over by then is ripe."})
    currency = fields.String()
    plan = fields.Nested(EffectPlanSchema(), allow_none=True)
    arms = fields.List(fields.Nested(EffectArmSchema()))
    sample_ratio = fields.Nested(SampleRatioSchema(), allow_none=True)
    revenue = fields.Nested(EffectSchema(), metadata={"description": "Minor units a customer."})
    buyers = fields.Nested(
        EffectSchema(), metadata={"description": "Parts of one: 0.02 is two customers of a hundred."}
    )
    converted = fields.Nested(EffectSchema(), metadata={"description": "Of the journey's goal, in parts of one."})
    variants = fields.List(fields.Nested(VariantEffectSchema()))
    incremental_revenue = fields.Nested(EffectSchema(), metadata={"description": "Over all treated and ripe."})
    cost = fields.Nested(BalanceMoneySchema(), metadata={"description": "Of the treated and ripe."})
    per_cost = fields.Nested(
        EffectSchema(), allow_none=True, metadata={"description": "Incremental revenue for each unit of cost."}
    )


class SmallestArgsSchema(Schema):
    """What is left out is the journey's own, or as many customers as ordered in the last 90 days."""

    customers = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=1, max=1_000_000_000))
    holdout_bps = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=0, max=10_000))
    outcome_days = fields.Integer(strict=True, load_default=None, validate=validate.Range(min=1, max=90))


class SmallestSchema(Schema):
    customers = fields.Integer()
    holdout_bps = fields.Integer()
    outcome_days = fields.Integer()
    as_of = Instant(
        allow_none=True,
        metadata={"description": "When the year's orders were looked through; null: not yet, ask again in a minute."},
    )
    currency = fields.String()
    mean_minor = fields.Integer(metadata={"description": "What one customer spends in such a window."})
    deviation_minor = fields.Integer()
    bound_minor = fields.Integer()
    smallest_minor = fields.Integer(
        allow_none=True, metadata={"description": "More a customer than this would be seen, four times in five."}
    )
    buyers = fields.Float(metadata={"description": "The part of customers who order in such a window."})
    smallest_buyers = fields.Float(allow_none=True)
    words = fields.String()


class MessagePriceSchema(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    country = fields.String(
        load_default=None,
        allow_none=True,
        validate=_COUNTRY,
        metadata={"description": "null: any country without a price of its own."},
    )
    since = fields.Date(required=True)
    micros = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0, max=10**12),
        metadata={"description": "Millionths of the brand's currency: 7900 is 0.0079 a message.", "example": 7900},
    )


class MessagePricesSchema(Schema):
    """The whole list: what is not in it is gone."""

    prices = fields.List(fields.Nested(MessagePriceSchema()), required=True, validate=validate.Length(max=MOST_PRICES))


class MessagePriceListSchema(Schema):
    currency = fields.String()
    prices = fields.List(fields.Nested(MessagePriceSchema()))
