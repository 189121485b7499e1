"""Simulations on the wire."""

from marshmallow import Schema, fields, validate

from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import BalanceMoneySchema, Instant


class SimulationArgsSchema(Schema):
    """Played are the orders after `since` and until `until`, 366 days at most."""

    since = Instant(required=True)
    until = Instant(required=True)
    take_up_bps = fields.Integer(
        strict=True,
        load_default=10_000,
        validate=validate.Range(min=1, max=10_000),
        metadata={"description": "The share of qualifying baskets that you expect to use it: 2500 is 25 %."},
    )
    budget_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_AMOUNT_MINOR),
        metadata={
            "description": "What it may spend; left out: what the campaign was given, without a bound if nothing."
        },
    )


class SimulationDaySchema(Schema):
    date = fields.String(metadata={"example": "2026-03-01", "description": "In the brand's time zone."})
    baskets = fields.Integer()
    qualifying = fields.Integer()
    uses = fields.Integer()
    cost_minor = fields.Integer()


class SimulationCountSchema(Schema):
    code = fields.String(metadata={"example": "minimum_spend"})
    baskets = fields.Integer()


class SimulationOverlapSchema(Schema):
    campaign_id = fields.UUID()
    name = fields.String()
    baskets = fields.Integer()
    worth_minor = fields.Integer(metadata={"description": "What it takes off these baskets by itself."})
    own_minor = fields.Integer(metadata={"description": "What the campaign that is played takes off them."})
    go_together = fields.Boolean(metadata={"description": "Whether one basket may take both."})


class SimulationExpectedSchema(Schema):
    """Where the take-up says which of the qualifying baskets use it, the same ones each time."""

    uses = fields.Integer()
    least_uses = fields.Integer(
        metadata={"description": "What chance alone makes of the uses nineteen times of twenty: from here …"}
    )
    most_uses = fields.Integer(metadata={"description": "… to here."})
    cost = fields.Nested(BalanceMoneySchema())
    budget_spent_on = fields.String(allow_none=True)


class SimulationConfidenceSchema(Schema):
    word = fields.String(validate=validate.OneOf(["low", "fair", "good"]))
    because = fields.List(fields.String())


class SimulationResultSchema(Schema):
    """`qualifying` baskets meet the campaign's conditions; `uses` are those of them that are not held out and that its
    limits and budget reach, if every one used it; `expected`, if the take-up did. `missed` and `refused` say by which
    condition, the first that fails."""

    baskets = fields.Integer()
    qualifying = fields.Integer()
    uses = fields.Integer()
    customers = fields.Integer()
    cost = fields.Nested(BalanceMoneySchema())
    budget = fields.Nested(BalanceMoneySchema(), allow_none=True, metadata={"description": "null: without a bound."})
    budget_spent_on = fields.String(allow_none=True, metadata={"description": "The day on which it did not reach."})
    expected = fields.Nested(SimulationExpectedSchema())
    confidence = fields.Nested(SimulationConfidenceSchema())
    taken_by_coupons = fields.Nested(
        BalanceMoneySchema(), metadata={"description": "What coupons really took off the same baskets."}
    )
    missed = fields.List(fields.Nested(SimulationCountSchema()))
    refused = fields.List(fields.Nested(SimulationCountSchema()))
    days = fields.List(fields.Nested(SimulationDaySchema()))
    overlapping = fields.Integer(metadata={"description": "How many running campaigns of its dates fit the baskets."})
    overlaps = fields.List(
        fields.Nested(SimulationOverlapSchema()),
        metadata={"description": "The fifty of them that fit most, with what each would take off these baskets."},
    )


class SimulationSchema(Schema):
    id = fields.UUID()
    campaign_id = fields.UUID()
    revision = fields.Integer(metadata={"description": "Of the campaign: as asked for, and once done as played."})
    status = fields.String(attribute="state", validate=validate.OneOf(["waiting", "running", "done", "failed"]))
    progress_bps = fields.Integer(metadata={"description": "How much of the span is played: 2500 is a quarter."})
    since = Instant()
    until = Instant()
    take_up_bps = fields.Integer()
    budget_minor = fields.Integer(allow_none=True)
    result = fields.Nested(SimulationResultSchema(), allow_none=True)
    created_at = Instant()
    ended_at = Instant(allow_none=True)
