"""Backtests as they are sent and shown."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant


class BacktestArgsSchema(Schema):
    """Played are the events after `since` and until `until`, 366 days at most."""

    graph = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={"description": "The journey to play; left out: its draft, or its live version where it has none."},
    )
    since = Instant(required=True)
    until = Instant(required=True)


class BacktestDaySchema(Schema):
    date = fields.String(metadata={"example": "2026-03-01", "description": "In the brand's time zone."})
    entries = fields.Integer()
    messages = fields.Integer()
    vouchers = fields.Integer()


class BacktestCampaignSchema(Schema):
    campaign_id = fields.UUID()
    name = fields.String()
    issued = fields.Integer()
    worth = fields.Nested(
        BalanceMoneySchema(), metadata={"description": "If every voucher were redeemed for its most."}
    )
    redeemed_bps = fields.Integer(
        allow_none=True,
        metadata={"description": "How many of its vouchers were redeemed so far; null: too few to tell."},
    )
    expected_cost = fields.Nested(BalanceMoneySchema(), allow_none=True)


class BacktestCreditSchema(Schema):
    currency = fields.String()
    credits = fields.Integer()
    amount_minor = fields.Integer()


class BacktestSpendSchema(Schema):
    given = fields.Nested(BalanceMoneySchema())
    most_minor = fields.Integer()
    per = fields.String(validate=validate.OneOf(["ever", "day"]))
    reached_on = fields.String(allow_none=True, metadata={"description": "The day on which the journey would stop."})


class BacktestStepSchema(Schema):
    step = fields.String()
    kind = fields.String()
    outcome = fields.String()
    visits = fields.Integer()


class BacktestArmSchema(Schema):
    arm = fields.String(validate=validate.OneOf(["treated", "holdout", "control"]))
    entries = fields.Integer()


class BacktestGoalSchema(Schema):
    arm = fields.String()
    walks = fields.Integer()


class BacktestChannelSchema(Schema):
    channel = fields.String()
    messages = fields.Integer()


class BacktestPersonSchema(Schema):
    messages = fields.Integer(metadata={"description": "So many messages …"})
    customers = fields.Integer(metadata={"description": "… would so many customers have got, of those who enter."})


class BacktestSkippedSchema(Schema):
    code = fields.String(metadata={"example": "capped"})
    messages = fields.Integer()


class BacktestOutsideSchema(Schema):
    code = fields.String(metadata={"example": "not_in_audience"})
    events = fields.Integer()


class BacktestEndSchema(Schema):
    reason = fields.String(metadata={"example": "finished"})
    walks = fields.Integer()


class BacktestConfidenceSchema(Schema):
    word = fields.String(validate=validate.OneOf(["low", "fair", "good"]))
    because = fields.List(fields.String())
    assumes = fields.List(fields.String())


class BacktestResultSchema(Schema):
    """What the journey would have done. Nobody reacts in a backtest: `reached_the_goal_anyway` says how many do what
    the journey is for without it."""

    customers = fields.Integer()
    entries = fields.Integer()
    messages = fields.Integer()
    vouchers = fields.Integer()
    arms = fields.List(fields.Nested(BacktestArmSchema()))
    days = fields.List(fields.Nested(BacktestDaySchema()))
    messages_by_channel = fields.List(fields.Nested(BacktestChannelSchema()))
    messages_a_person = fields.List(fields.Nested(BacktestPersonSchema()))
    held_through_quiet_hours = fields.Integer()
    skipped = fields.List(fields.Nested(BacktestSkippedSchema()))
    stayed_outside = fields.List(fields.Nested(BacktestOutsideSchema()))
    steps = fields.List(fields.Nested(BacktestStepSchema()))
    ends = fields.List(fields.Nested(BacktestEndSchema()))
    reached_the_goal_anyway = fields.List(fields.Nested(BacktestGoalSchema()))
    campaigns = fields.List(fields.Nested(BacktestCampaignSchema()))
    credit = fields.List(fields.Nested(BacktestCreditSchema()))
    spend = fields.Nested(BacktestSpendSchema(), allow_none=True)
    confidence = fields.Nested(BacktestConfidenceSchema())


class BacktestSchema(Schema):
    id = fields.UUID()
    journey_id = fields.UUID()
    status = fields.String(attribute="state", validate=validate.OneOf(["waiting", "running", "done", "failed"]))
    progress_bps = fields.Integer(metadata={"description": "How much of the log is played: 2500 is a quarter."})
    since = Instant()
    until = Instant()
    result = fields.Nested(BacktestResultSchema(), allow_none=True)
    created_at = Instant()
    ended_at = Instant(allow_none=True)


class BacktestCustomerSchema(Schema):
    customer_id = fields.UUID()
    entries = fields.Integer()
    messages = fields.Integer()
    vouchers = fields.Integer()
    outcome = fields.String(metadata={"description": "How the last walk ended, or `still_inside`."})
