"""A day's end on the wire."""

from datetime import date

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant

#: Whoever asks for a day beyond these has mistyped it.
_DAYS = validate.Range(min=date(2000, 1, 1), max=date(2200, 1, 1))


class DayEndArgs(Schema):
    date = fields.Date(
        load_default=None,
        validate=_DAYS,
        metadata={"description": "A day on the store's clock; left out, today.", "example": "2026-11-22"},
    )


class FiguresSchema(Schema):
    """`total` = `discount` (coupons) + `gift` (gift cards) + `paid` (wallet) + `at_till` (at the till);
    `redeemed`: by vouchers without a basket; `given_back`: of both; `payments` without a basket, their `tips` beside
    them; `refunded`: of payments, of baskets by amount, of offline losses; `net`: what the merchant is owed for all."""

    currency = fields.String()
    checkouts = fields.Integer()
    total_minor = fields.Integer()
    discount_minor = fields.Integer()
    gift_minor = fields.Integer()
    paid_minor = fields.Integer()
    at_till_minor = fields.Integer()
    redemptions = fields.Integer()
    redeemed_minor = fields.Integer()
    rollbacks = fields.Integer()
    given_back_minor = fields.Integer()
    at_till_back_minor = fields.Integer()
    payments = fields.Integer()
    payments_minor = fields.Integer()
    tips_minor = fields.Integer()
    refunds = fields.Integer()
    refunded_minor = fields.Integer()
    offline_losses_minor = fields.Integer()
    cards = fields.Integer(metadata={"description": "Gift cards sold, less those that were taken back."})
    cards_minor = fields.Integer()
    net_minor = fields.Integer()


class TillDaySchema(FiguresSchema):
    terminal_id = fields.UUID(
        allow_none=True, metadata={"description": "None for what was paid by the store's own code."}
    )
    name = fields.String(allow_none=True)


class DayEndSchema(Schema):
    store_id = fields.UUID()
    date = fields.Date()
    time_zone = fields.String(metadata={"example": "America/New_York"})
    since = Instant()
    until = Instant()
    totals = fields.List(fields.Nested(FiguresSchema()))
    tills = fields.List(fields.Nested(TillDaySchema()))
