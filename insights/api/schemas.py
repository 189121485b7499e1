from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import CURRENCY, BalanceMoneySchema, Instant, PageArgs
from insights.profiles.models import PHASES


def _names(description: str) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.Length(max=64)),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": description},
    )


class TimelineArgs(PageArgs):
    names = _names("Only these events: ?names=order.completed&names=voucher.redeemed")
    kinds = _names("Only events whose name begins so: ?kinds=voucher&kinds=order")
    sources = _names("Only what came from there: `pocketful`, or the source of a write key")
    since = Instant(load_default=None, metadata={"description": "From this instant on"})
    until = Instant(load_default=None, metadata={"description": "Up to, not including, this instant"})


class MomentSchema(Schema):
    """One event in a customer's life."""

    id = fields.UUID()
    name = fields.String(metadata={"example": "order.completed"})
    occurred_at = Instant()
    source = fields.String()
    payload = fields.Dict(keys=fields.String())
    was_anonymous = fields.Boolean(metadata={"description": "They were not known yet when it happened"})


class TouchSchema(Schema):
    at = Instant()
    source = fields.String()
    medium = fields.String(allow_none=True)
    campaign = fields.String(allow_none=True)


class RevenueSchema(Schema):
    currency = fields.String()
    ordered_minor = fields.Integer()
    refunded_minor = fields.Integer()
    net_minor = fields.Integer()


class ProfileSchema(Schema):
    """What is known of a customer; personal data is elsewhere."""

    customer_id = fields.UUID()
    phase = fields.String(validate=validate.OneOf(PHASES))
    first_seen_at = Instant(allow_none=True)
    last_seen_at = Instant(allow_none=True)
    first_touch = fields.Nested(TouchSchema(), allow_none=True)
    orders = fields.Integer()
    first_order_at = Instant(allow_none=True)
    last_order_at = Instant(allow_none=True)
    revenue = fields.List(fields.Nested(RevenueSchema()))
    traits = fields.Dict(keys=fields.String())


class FindCustomersArgs(Schema):
    """One of both."""

    phone = fields.String(validate=validate.Length(min=1, max=40))
    email = fields.String(
        validate=validate.Length(min=1, max=254), metadata={"description": "One that the customer proved"}
    )

    @validates_schema
    def _check_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Say either a phone number or an e-mail address.")


class FoundCustomerSchema(Schema):
    id = fields.UUID()


class SummaryArgs(Schema):
    since = Instant(required=True, metadata={"description": "From this instant on"})
    until = Instant(required=True, metadata={"description": "Up to, not including, this instant"})
    currency = fields.String(load_default=None, validate=CURRENCY)


class SalesSchema(Schema):
    orders = fields.Integer()
    customers = fields.Integer()
    sales = fields.Nested(BalanceMoneySchema())
    by_coupons = fields.Nested(BalanceMoneySchema())
    by_gift_cards = fields.Nested(BalanceMoneySchema())
    by_wallets = fields.Nested(BalanceMoneySchema())
    by_tills = fields.Nested(BalanceMoneySchema(), metadata={"description": "Collected by the tills themselves."})


class DaySchema(SalesSchema):
    day = fields.Date()


class LedgerSchema(Schema):
    """What the ledger moved to merchants, and out of whose accounts."""

    payable = fields.Nested(BalanceMoneySchema())
    wallets = fields.Nested(BalanceMoneySchema())
    budgets = fields.Nested(BalanceMoneySchema())
    gift_cards = fields.Nested(BalanceMoneySchema())
    others = fields.Nested(BalanceMoneySchema())


class SummarySchema(Schema):
    since = Instant()
    until = Instant()
    sales = fields.Nested(SalesSchema())
    days = fields.List(fields.Nested(DaySchema()))
    ledger = fields.Nested(LedgerSchema())
    funnel = fields.Dict(keys=fields.String(), values=fields.Integer())
