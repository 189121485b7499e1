"""Finance on the wire: the trial balance, provider reports, safeguarding."""

from marshmallow import Schema, fields, validate

from core.money import POINTS
from core.web.schemas import BalanceMoneySchema, Instant

ASSET = validate.Regexp(r"[A-Z]{3}\Z", error=f"Must be a three-letter currency code, or {POINTS}.")
REASON = validate.Length(min=3, max=500)


class TrialBalanceArgsSchema(Schema):
    as_of = Instant(load_default=None, metadata={"description": "A business instant; left out: as of now."})
    currency = fields.String(load_default=None, validate=ASSET)


class ClassBalanceSchema(Schema):
    """Accounts of one kind of owner and one purpose; what stands below zero is a debit, what stands above a credit."""

    owner_kind = fields.String(required=True, metadata={"example": "customer"})
    purpose = fields.String(required=True, metadata={"example": "cash"})
    accounts = fields.Integer(required=True)
    debit_minor = fields.Integer(required=True)
    credit_minor = fields.Integer(required=True)


class AssetTrialBalanceSchema(Schema):
    currency = fields.String(required=True, attribute="asset")
    classes = fields.List(fields.Nested(ClassBalanceSchema()), required=True)
    debit_minor = fields.Integer(required=True)
    credit_minor = fields.Integer(required=True)
    is_balanced = fields.Boolean(required=True)


class TrialBalanceSchema(Schema):
    as_of = Instant(required=True)
    items = fields.List(fields.Nested(AssetTrialBalanceSchema()), required=True)


class ImportArgsSchema(Schema):
    reference = fields.String(
        required=True,
        validate=validate.Regexp(r"[!-~]{1,140}\Z", error="Must be 1 to 140 printable ASCII characters, no blanks."),
        metadata={"description": "The report's own name, once for ever.", "example": "2026-11-21"},
    )


class ProviderReportSchema(Schema):
    id = fields.UUID(required=True)
    reference = fields.String(required=True)
    closed_at = Instant(required=True)
    line_count = fields.Integer(required=True)
    balances = fields.List(fields.Nested(BalanceMoneySchema()), required=True)
    imported_by = fields.String(required=True)
    imported_at = Instant(required=True)


class BookedSchema(Schema):
    """amount_minor: taken from what the provider holds for us."""

    transfer_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["provider.fees", "provider.payouts"]))
    amount = fields.Nested(BalanceMoneySchema(), required=True)


class PostingsSchema(Schema):
    items = fields.List(fields.Nested(BookedSchema()), required=True)


class ReconciliationArgsSchema(Schema):
    day = fields.Date(required=True, metadata={"description": "A day of the brand's time zone that is over."})


class FigureSchema(Schema):
    """One currency. `shortfall_minor`: what is missing for the customers; `excess_minor`: what is there beyond them."""

    currency = fields.String(required=True)
    cash_minor = fields.Integer(required=True)
    gift_cards_minor = fields.Integer(required=True)
    owed_minor = fields.Integer(required=True)
    held_minor = fields.Integer(required=True, allow_none=True)
    shortfall_minor = fields.Integer(required=True, allow_none=True)
    excess_minor = fields.Integer(required=True, allow_none=True)
    booked_minor = fields.Integer(required=True)
    promotional_minor = fields.Integer(required=True)
    debts_minor = fields.Integer(required=True)
    merchants_minor = fields.Integer(required=True)


class SignOffSchema(Schema):
    signed_by = fields.String(required=True)
    reason = fields.String(required=True)
    signed_at = Instant(required=True)


class SafeguardingReportSchema(Schema):
    id = fields.UUID(required=True)
    day = fields.Date(required=True)
    run = fields.Integer(required=True)
    as_of = Instant(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["balanced", "differences", "no_report"]))
    provider_report_id = fields.UUID(allow_none=True)
    difference_count = fields.Integer(required=True)
    figures = fields.List(fields.Nested(FigureSchema()), required=True)
    ran_by = fields.String(required=True)
    ran_at = Instant(required=True)
    sign_off = fields.Nested(SignOffSchema(), allow_none=True)


class DifferenceSchema(Schema):
    """Amounts tell what a line added to what the provider holds for us."""

    position = fields.Integer(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(["ours_only", "theirs_only", "amount", "closing_balance"])
    )
    is_timing = fields.Boolean(required=True)
    currency = fields.String(required=True)
    reference = fields.String(allow_none=True)
    transfer_id = fields.UUID(allow_none=True)
    line_number = fields.Integer(allow_none=True)
    ours_minor = fields.Integer(allow_none=True)
    theirs_minor = fields.Integer(allow_none=True)
    occurred_at = Instant(allow_none=True)


class SignOffArgsSchema(Schema):
    reason = fields.String(
        required=True,
        validate=REASON,
        metadata={"description": "What you answer for. It is kept in clear for good, so name no customer."},
    )
