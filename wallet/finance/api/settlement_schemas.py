"""Settlements on the wire: terms, bank accounts, settlements, payout files."""

from marshmallow import Schema, fields, validate

from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import CURRENCY, Instant, PageArgs
from wallet.finance.api.schemas import REASON
from wallet.finance.bank_accounts import CLEARING_SYSTEMS

_SHORT = validate.Length(max=140)


class TermsArgsSchema(Schema):
    """What the merchant pays for each payment from now on; tips are not charged, and refunds give no fee back."""

    currency = fields.String(required=True, validate=CURRENCY)
    fee_bps = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0, max=10_000),
        metadata={"description": "Basis points of the payment, rounded half to even.", "example": 150},
    )
    fee_fixed_minor = fields.Integer(
        load_default=0, strict=True, validate=validate.Range(min=0, max=MAX_AMOUNT_MINOR // 10_000)
    )
    reason = fields.String(
        required=True, validate=REASON, metadata={"description": "It is kept in clear for good, so name no person."}
    )


class TermsSchema(Schema):
    currency = fields.String(required=True)
    fee_bps = fields.Integer(required=True)
    fee_fixed_minor = fields.Integer(required=True)
    effective_at = Instant(required=True)
    set_by = fields.String(required=True)
    reason = fields.String(required=True)


class TermsHistorySchema(Schema):
    """The latest first: the first of each currency holds now."""

    items = fields.List(fields.Nested(TermsSchema()), required=True)


class BankAccountOfSchema(Schema):
    """An IBAN, or an account number with its bank's number in a clearing system."""

    holder = fields.String(required=True, validate=_SHORT)
    iban = fields.String(load_default=None, validate=_SHORT)
    bic = fields.String(load_default=None, validate=_SHORT)
    account_number = fields.String(load_default=None, validate=_SHORT)
    clearing_system = fields.String(load_default=None, validate=validate.OneOf(sorted(CLEARING_SYSTEMS)))
    clearing_code = fields.String(load_default=None, validate=_SHORT)


class BankAccountArgsSchema(BankAccountOfSchema):
    currency = fields.String(required=True, validate=CURRENCY)


class BankAccountQuerySchema(Schema):
    currency = fields.String(required=True, validate=CURRENCY)
    which = fields.String(
        load_default="holding",
        validate=validate.OneOf(["holding", "latest"]),
        metadata={"description": "holding: where the merchant is paid now. latest: what was set last."},
    )


class BankAccountSchema(Schema):
    """Of the number the last four characters only. `status`: holding once a second person has agreed."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["waiting", "holding", "refused", "lapsed"]))
    decided_by = fields.String(required=True, allow_none=True)
    currency = fields.String(required=True)
    holder = fields.String(required=True)
    number_ends = fields.String(required=True, metadata={"example": "3000"})
    bic = fields.String(allow_none=True)
    clearing_system = fields.String(allow_none=True)
    set_by = fields.String(required=True)
    set_at = Instant(required=True)


class SettlementArgsSchema(Schema):
    merchant_id = fields.UUID(load_default=None, metadata={"description": "Left out: every merchant."})
    until = Instant(required=True, metadata={"description": "What happened before it is settled; not after now."})


class FundingSchema(Schema):
    """Who paid how much of the payments, and got back how much of the refunds."""

    source = fields.String(
        required=True,
        validate=validate.OneOf(
            ["customers", "gift_cards", "coupons", "promotional", "points", "offline_losses", "other"]
        ),
    )
    campaign_id = fields.UUID(allow_none=True)
    paid_minor = fields.Integer(required=True)
    refunded_minor = fields.Integer(required=True)


class MerchantSettlementSchema(Schema):
    """net = carried_in + gross + tips - refunds + adjustments - fees. Above zero it is paid out, below carried."""

    id = fields.UUID(required=True)
    merchant_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    sequence = fields.Integer(required=True)
    since = Instant(allow_none=True)
    until = Instant(required=True)
    payment_count = fields.Integer(required=True)
    refund_count = fields.Integer(required=True)
    gross_minor = fields.Integer(required=True)
    tips_minor = fields.Integer(required=True)
    refunds_minor = fields.Integer(required=True)
    adjustments_minor = fields.Integer(required=True)
    fees_minor = fields.Integer(required=True)
    carried_in_minor = fields.Integer(required=True)
    net_minor = fields.Integer(required=True)
    payout_minor = fields.Integer(required=True)
    carried_out_minor = fields.Integer(required=True)
    funding = fields.List(fields.Nested(FundingSchema()), required=True)
    payout_file_id = fields.UUID(allow_none=True)
    closed_at = Instant(required=True)


class RunSchema(Schema):
    """is_complete: False when more merchants wait; the same request under another key goes on with them."""

    items = fields.List(fields.Nested(MerchantSettlementSchema()), required=True)
    is_complete = fields.Boolean(required=True)


class SettlementPageArgs(PageArgs):
    merchant_id = fields.UUID(load_default=None)


class PayoutFileArgsSchema(Schema):
    currency = fields.String(required=True, validate=CURRENCY)


class PayoutFileSchema(Schema):
    """`without_bank_account`: merchants whose payouts wait until it is known where to send them."""

    id = fields.UUID(required=True)
    currency = fields.String(required=True)
    payout_count = fields.Integer(required=True)
    control_sum_minor = fields.Integer(required=True)
    made_by = fields.String(required=True)
    made_at = Instant(required=True)
    without_bank_account = fields.List(fields.UUID())
