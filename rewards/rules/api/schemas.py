"""Rules on the wire."""

from datetime import UTC, datetime

from marshmallow import Schema, fields, validate

from core.web.schemas import CURRENCY, Instant
from rewards.api.schemas import BasketSchema

_EXAMPLE = {"fact": "basket.total_minor", "is": "at_least", "value": 2000}


def _condition() -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "Faults come back as JSON pointers into this.", "example": _EXAMPLE},
    )


class RuleArgsSchema(Schema):
    name = fields.String(
        required=True,
        validate=[
            validate.Length(min=1, max=200),
            validate.Predicate("isprintable", error="Must be one line of text."),
        ],
        metadata={"example": "Big baskets"},
    )
    condition = _condition()


class RuleSchema(Schema):
    """`revision` counts the changes."""

    id = fields.UUID()
    name = fields.String()
    condition = fields.Dict()
    revision = fields.Integer()
    created_at = Instant()
    updated_at = Instant()


class RuleDetailSchema(RuleSchema):
    """With the campaigns and the other rules that name it."""

    campaigns = fields.List(fields.UUID())
    rules = fields.List(fields.UUID())


class RuleFactSchema(Schema):
    """What a condition may ask about, by which words, with a value of which kind."""

    fact = fields.String(metadata={"example": "basket.total_minor"})
    label = fields.String(metadata={"example": "The basket's total"})
    words = fields.List(fields.String(), metadata={"example": ["at_least", "at_most"]})
    value = fields.String(metadata={"example": "a whole number of minor units, such as 2000 for 20.00"})
    is_of_line = fields.Boolean(
        metadata={"description": "It stands within any_line, all_lines or lines."},
    )


class RuleFactsSchema(Schema):
    items = fields.List(fields.Nested(RuleFactSchema()))


class RuleCheckArgsSchema(Schema):
    """A basket to try a condition on. What is left out is not known, as at a till that knows nobody."""

    condition = _condition()
    basket = fields.Nested(BasketSchema(), required=True)
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    customer_id = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Needs the permission customers.read, too."}
    )
    store_id = fields.UUID(load_default=None, allow_none=True)
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


class RuleCheckSchema(Schema):
    is_met = fields.Boolean()
    reason = fields.Dict(
        metadata={
            "description": "Each condition with what is `needed`, what is there (`actual`), and a sentence (`says`).",
            "example": {
                "is_met": False,
                "fact": "basket.total_minor",
                "is": "at_least",
                "needed": 2000,
                "actual": 1200,
                "says": "The basket's total is 12.00 USD; asked for: 20.00 USD or more.",
            },
        }
    )
