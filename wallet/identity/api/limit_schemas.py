"""Limits on the wire. The same names stand in the refusal `limit_exceeded`."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import BalanceMoneySchema, Instant
from wallet.limits import MEASURES

#: What each limit counts over; a ceiling holds at any time.
PERIODS = {"per_transfer": "transfer", "per_day": "day", "per_month": "month", "count_per_hour": "hour"}


class LimitLeftSchema(Schema):
    """One limit of the tier. scope: pay (payments), send (to people), load (money that comes in)."""

    scope = fields.String(required=True, metadata={"example": "pay"})
    limit = fields.String(required=True, metadata={"example": "per_day", "enum": list(MEASURES)})
    period = fields.String(required=True, allow_none=True, metadata={"example": "day"})
    unit = fields.String(
        required=True,
        metadata={"description": "What maximum, used and left count: minor (units) or transfers.", "example": "minor"},
    )
    currency = fields.String(required=True, metadata={"example": "USD"})
    maximum = fields.Integer(required=True, metadata={"example": 250000})
    used = fields.Integer(required=True, metadata={"example": 1250})
    left = fields.Integer(required=True, metadata={"example": 248750})
    renews_at = Instant(required=True, allow_none=True)


class ApprovalAboveSchema(Schema):
    """What is paid ("pay") or sent ("send") above this amount, a passkey approves."""

    scope = fields.String(required=True, metadata={"example": "pay"})
    above = fields.Nested(BalanceMoneySchema(), required=True)


class LimitsSchema(Schema):
    tier = fields.String(required=True, metadata={"example": "basic"})
    items = fields.List(fields.Nested(LimitLeftSchema()), required=True)
    approvals = fields.List(fields.Nested(ApprovalAboveSchema()), required=True)


def _amount(description: str = "", **more: Any) -> fields.Integer:
    return fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(
            min=0,
            max=MAX_AMOUNT_MINOR,
            error="Must be a whole number from 0 to 9007199254740991, or null for no limit.",
        ),
        metadata={"description": description},
        **more,
    )


class LimitRuleArgsSchema(Schema):
    """Each measure is to be named, so that none is lifted by being forgotten; null lifts it. `ceiling_minor` is left
    out but for the scope load; `step_up_above_minor`, where it is left out, stays as it is."""

    per_transfer_minor = _amount(required=True)
    per_day_minor = _amount(required=True)
    per_month_minor = _amount(required=True)
    count_per_hour = fields.Integer(
        required=True,
        strict=True,
        allow_none=True,
        validate=validate.Range(min=0, max=1_000_000, error="Must be from 0 to 1000000, or null for no limit."),
    )
    ceiling_minor = _amount("The most that may stand on the cash: of the scope load only.", load_default=None)
    step_up_above_minor = _amount("Above it customers approve with a passkey: of the scopes pay and send only.")

    @validates_schema
    def _grows_with_the_period(self, data: dict[str, Any], **_: Any) -> None:
        for shorter, longer in (
            ("per_transfer_minor", "per_day_minor"),
            ("per_transfer_minor", "per_month_minor"),
            ("per_day_minor", "per_month_minor"),
        ):
            one, other = data.get(shorter), data.get(longer)
            if one is not None and other is not None and one > other:
                raise ValidationError(f"Must be at most {longer}.", shorter)


class LimitRuleSchema(Schema):
    """What a tier may do in one currency; null for no limit."""

    tier = fields.String(required=True)
    scope = fields.String(required=True)
    currency = fields.String(required=True, attribute="asset")
    per_transfer_minor = fields.Integer(allow_none=True, attribute="per_transfer")
    per_day_minor = fields.Integer(allow_none=True, attribute="per_day")
    per_month_minor = fields.Integer(allow_none=True, attribute="per_month")
    count_per_hour = fields.Integer(allow_none=True)
    ceiling_minor = fields.Integer(allow_none=True, attribute="ceiling")
    step_up_above_minor = fields.Integer(allow_none=True, attribute="step_up_above")
    updated_at = Instant(required=True)
