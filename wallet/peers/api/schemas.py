"""Money between people, on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from core.web.schemas import BalanceMoneySchema, Instant, MoneySchema, PageArgs
from wallet.peers.models import REQUEST_STATES, SENDING_STATES

_HOUR, _MONTH, _WEEK = 3600, 30 * 86_400, 7 * 86_400
_CODE = validate.Length(min=1, max=100)


class PersonArgsSchema(Schema):
    """Whom: `{"phone": "+12125550142"}`, or `{"link": true}` for whoever is given the link."""

    phone = fields.String(validate=validate.Length(min=1, max=40), metadata={"example": "+12125550142"})
    link = fields.Boolean(truthy={True}, falsy={False}, validate=validate.Equal(True))

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Send either phone or link.", "phone")


class _NewArgsSchema(Schema):
    amount = fields.Nested(MoneySchema(), required=True)
    note = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=140),
        metadata={"description": "For the other person's eyes.", "example": "Pizza"},
    )
    expires_in_seconds = fields.Integer(
        strict=True,
        load_default=_WEEK,
        validate=validate.Range(min=_HOUR, max=_MONTH),
        metadata={"description": "An hour to 30 days."},
    )


class SendingArgsSchema(_NewArgsSchema):
    """`expires_in_seconds`: how long it waits for somebody without an account, or for who has the link."""

    to = fields.Nested(PersonArgsSchema(), required=True)
    approval_id = fields.UUID(load_default=None, allow_none=True)


class MoneyRequestArgsSchema(_NewArgsSchema):
    from_ = fields.Nested(PersonArgsSchema(), required=True, data_key="from")


class LinkSchema(Schema):
    """`code` and `url` are shown once, where the link is made: hand them to whom they are for."""

    code = fields.String(required=True)
    url = fields.String(required=True)


class _BetweenPeopleSchema(Schema):
    """`direction`: "out" is what this customer made. `name`: the other person, their number covered."""

    id = fields.UUID(required=True)
    direction = fields.String(required=True, metadata={"example": "out"})
    way = fields.String(required=True, metadata={"example": "phone"})
    amount = fields.Nested(BalanceMoneySchema(), required=True)
    note = fields.String(allow_none=True)
    phone = fields.String(allow_none=True, metadata={"description": "As this customer gave it, never another's."})
    name = fields.String(allow_none=True, metadata={"example": "+1 ••• 0142"})
    link = fields.Nested(LinkSchema(), allow_none=True)
    created_at = Instant(required=True)
    expires_at = Instant(allow_none=True)
    ended_at = Instant(allow_none=True)


class SendingSchema(_BetweenPeopleSchema):
    """`pending` money is held: its receiver can claim it, its sender cancel. `returned`: nobody claimed it in time."""

    status = fields.String(required=True, validate=validate.OneOf(SENDING_STATES))
    money_request_id = fields.UUID(allow_none=True)


class MoneyRequestSchema(_BetweenPeopleSchema):
    status = fields.String(required=True, validate=validate.OneOf(REQUEST_STATES))


class LinkCodeArgsSchema(Schema):
    code = fields.String(required=True, validate=_CODE)


class ClaimArgsSchema(Schema):
    """By the `code` of a link, or by the `sending_id` of what came to the customer's number and is pending."""

    code = fields.String(validate=_CODE)
    sending_id = fields.UUID()

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Send either code or sending_id.", "code")


class DirectionArgsSchema(PageArgs):
    """`direction=out`: what this customer made; `in`: what others made for them; left out: both."""

    direction = fields.String(load_default=None, validate=validate.OneOf(["in", "out"]))


class SendingStatusArgsSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["cancelled"]))


class MoneyRequestStatusArgsSchema(Schema):
    """Who is asked declines; who asked cancels."""

    status = fields.String(required=True, validate=validate.OneOf(["declined", "cancelled"]))


class RequestPaymentArgsSchema(Schema):
    code = fields.String(
        load_default=None,
        allow_none=True,
        validate=_CODE,
        metadata={"description": "Of the link, where it was asked by link."},
    )
    approval_id = fields.UUID(load_default=None, allow_none=True)


class KeptSchema(Schema):
    """What an idempotency key keeps of an answer that holds something personal."""

    id = fields.UUID(required=True)
