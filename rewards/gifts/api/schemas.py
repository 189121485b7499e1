"""Gifts to friends on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant, PageArgs
from rewards.gifts.models import GIFT_STATES


class GiftArgsSchema(Schema):
    """Without `phone` it is for whoever is given the link in the answer. `deliver_at`: when the friend is to have it,
    within a year; left out: now."""

    phone = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=40),
        metadata={"example": "+12125550142"},
    )
    message = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=500),
        metadata={"description": "For the friend's eyes.", "example": "Happy birthday!"},
    )
    deliver_at = Instant(load_default=None, allow_none=True)


class GiftClaimArgsSchema(Schema):
    """The `code` at the end of a gift's link."""

    code = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{64}\Z"))


class GiftSchema(Schema):
    """`scheduled` and `waiting` gifts can be taken back; `waiting`: nobody has it yet, though its day has come.

    `direction`: "out" is what this customer gave. `name`: the other person, their number covered. `voucher_id`: in the
    wallet of whose it is. `amount`: what stood on a gift card when it was given.
    """

    id = fields.UUID(required=True)
    direction = fields.String(required=True, metadata={"example": "out"})
    status = fields.String(required=True, validate=validate.OneOf(GIFT_STATES))
    kind = fields.String(required=True, validate=validate.OneOf(["coupon", "gift_card"]))
    voucher_id = fields.UUID(required=True)
    amount = fields.Nested(BalanceMoneySchema(), required=True, allow_none=True)
    message = fields.String(allow_none=True)
    phone = fields.String(allow_none=True, metadata={"description": "As this customer gave it, never another's."})
    name = fields.String(allow_none=True, metadata={"example": "+1 ••• 0142"})
    created_at = Instant(required=True)
    deliver_at = Instant(required=True)
    expires_at = Instant(required=True)
    ended_at = Instant(allow_none=True)


class GiftLinkSchema(Schema):
    """The link: whoever has it has the gift, so it goes to the friend and nowhere else."""

    code = fields.String(required=True)
    url = fields.String(required=True)


class GiftWithLinkSchema(GiftSchema):
    """A gift as it was made; `link` is null where it is for a number, and is not told again."""

    link = fields.Nested(GiftLinkSchema(), required=True, allow_none=True)


class GiftPageArgsSchema(PageArgs):
    """`direction=out`: what this customer gave; `in`: what they received; left out: both."""

    direction = fields.String(load_default=None, validate=validate.OneOf(["in", "out"]))
