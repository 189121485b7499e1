"""Gift cards and what is owed to their holders, on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant, MoneySchema
from rewards.vouchers import codes
from wallet.paying.api.schemas import TILL_REFERENCE


class GiftCardArgsSchema(Schema):
    amount = fields.Nested(MoneySchema(), required=True)
    approval_id = fields.UUID(load_default=None, allow_none=True)


class ActivationArgsSchema(Schema):
    """`code`: as it is printed, typed or scanned; `amount`: what the till took, which is the card's value."""

    code = fields.String(required=True, validate=validate.Length(min=codes.SHORTEST, max=100))
    amount = fields.Nested(MoneySchema(), required=True)
    till_reference = fields.String(required=True, validate=TILL_REFERENCE)


class ActivationSchema(Schema):
    """A printed card that was sold; `voided`: the till has taken that back."""

    id = fields.UUID(required=True)
    voucher_id = fields.UUID(required=True)
    last4 = fields.String(required=True)
    value = fields.Nested(BalanceMoneySchema(), required=True)
    till_reference = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "voided"]))
    activated_at = Instant(required=True)
    voided_at = Instant(allow_none=True)


class MergeArgsSchema(Schema):
    """`into_id`: the card that holds all of it afterwards."""

    into_id = fields.UUID(required=True)


class GiftCardSchema(Schema):
    """`expires_at`: when what is left on it lapses; a bought card's is put off by each load."""

    id = fields.UUID(required=True)
    value = fields.Nested(BalanceMoneySchema(), required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "used_up", "expired"]))
    last4 = fields.String(required=True)
    expires_at = Instant(allow_none=True)
    issued_at = Instant(required=True)


class LiabilityArgsSchema(Schema):
    as_of = Instant(load_default=None, metadata={"description": "A business instant; left out: as of now."})


class AgeLineSchema(Schema):
    """`to_days` null: and older."""

    from_days = fields.Integer(required=True)
    to_days = fields.Integer(required=True, allow_none=True)
    amount_minor = fields.Integer(required=True)


class FunderLineSchema(Schema):
    """`funder`: "customers" for what was paid for with money, else who bears what was given."""

    funder = fields.String(required=True, metadata={"example": "brand"})
    amount_minor = fields.Integer(required=True)


class BreakageSchema(Schema):
    """`unspent_bps`: how much of the `observed_minor` was never spent; `expected_minor`: that share of what is
    outstanding."""

    observed_minor = fields.Integer(required=True)
    unspent_minor = fields.Integer(required=True)
    unspent_bps = fields.Integer(required=True)
    expected_minor = fields.Integer(required=True)
    method = fields.String(required=True)


class LiabilitySchema(Schema):
    """`by_age` (days since the value came onto its card) and `by_funder` sum to `outstanding_minor`."""

    currency = fields.String(required=True)
    cards = fields.Integer(required=True)
    outstanding_minor = fields.Integer(required=True)
    by_age = fields.List(fields.Nested(AgeLineSchema()), required=True)
    by_funder = fields.List(fields.Nested(FunderLineSchema()), required=True)
    breakage = fields.Nested(BreakageSchema(), required=True)


class LiabilitiesSchema(Schema):
    as_of = Instant(required=True)
    items = fields.List(fields.Nested(LiabilitySchema()), required=True)
