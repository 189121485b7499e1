"""Gifts to friends on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant, PageArgs
from rewards.gifts.models import GIFT_STATES


class GiftArgsSchema(Schema):
    """`deliver_at`: when the friend is to have it, within a year; left out: now."""

    phone = fields.String(required=True, validate=validate.Length(min=1, max=40), metadata={"example": "+12125550142"})
    message = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "For the friend's eyes.", "example": "Happy birthday!"},
    )
    deliver_at = Instant(load_default=None, allow_none=True)


class GiftSchema(Schema):
    """`scheduled` and `waiting` gifts can be taken back; `waiting`: nobody has signed up with the number yet.

    `direction`: "out" is what this customer gave. `name`: the other person, their number covered. `voucher_id`: the
    card, in the wallet of whose it is.
    """

    id = fields.UUID(required=True)
    direction = fields.String(required=True, metadata={"example": "out"})
    status = fields.String(required=True, validate=validate.OneOf(GIFT_STATES))
    voucher_id = fields.UUID(required=True)
    amount = fields.Nested(BalanceMoneySchema(), required=True)
    message = fields.String(allow_none=True)
    phone = fields.String(allow_none=True, metadata={"description": "As this customer gave it, never another's."})
    name = fields.String(allow_none=True, metadata={"example": "+1 ••• 0142"})
    created_at = Instant(required=True)
    deliver_at = Instant(required=True)
    expires_at = Instant(required=True)
    ended_at = Instant(allow_none=True)


class GiftPageArgsSchema(PageArgs):
    """`direction=out`: what this customer gave; `in`: what they received; left out: both."""

    direction = fields.String(load_default=None, validate=validate.OneOf(["in", "out"]))
