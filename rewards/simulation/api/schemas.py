"""Simulations on the wire."""

from marshmallow import Schema, fields, validate

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
    worth_minor = fields.Integer()


class SimulationResultSchema(Schema):
    """`qualifying` baskets meet the campaign's conditions; `uses` are those of them that are not held out and that its
    limits and budget reach. `missed` and `refused` say by which condition, the first that fails."""

    baskets = fields.Integer()
    qualifying = fields.Integer()
    uses = fields.Integer()
    customers = fields.Integer()
    cost = fields.Nested(BalanceMoneySchema())
    expected_cost = fields.Nested(BalanceMoneySchema(), metadata={"description": "The cost times the take-up."})
    taken_by_coupons = fields.Nested(
        BalanceMoneySchema(), metadata={"description": "What coupons really took off the same baskets."}
    )
    budget_spent_on = fields.String(allow_none=True, metadata={"description": "The day on which it did not reach."})
    missed = fields.List(fields.Nested(SimulationCountSchema()))
    refused = fields.List(fields.Nested(SimulationCountSchema()))
    days = fields.List(fields.Nested(SimulationDaySchema()))
    overlaps = fields.List(
        fields.Nested(SimulationOverlapSchema()),
        metadata={"description": "Running campaigns that fit the same baskets, with what each would take off them."},
    )


class SimulationSchema(Schema):
    id = fields.UUID()
    campaign_id = fields.UUID()
    revision = fields.Integer()
    status = fields.String(attribute="state", validate=validate.OneOf(["waiting", "running", "done", "failed"]))
    progress_bps = fields.Integer(metadata={"description": "How much of the span is played: 2500 is a quarter."})
    since = Instant()
    until = Instant()
    take_up_bps = fields.Integer()
    result = fields.Nested(SimulationResultSchema(), allow_none=True)
    created_at = Instant()
    ended_at = Instant(allow_none=True)
