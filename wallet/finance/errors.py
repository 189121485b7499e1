"""What finance refuses, and why."""

from core.errors import Kind, Refusal


class ReportInvalid(Refusal):
    """`errors` names each bad line by its number: {"pointer": "/7", "detail": "..."}."""

    code = "report_invalid"
    kind = Kind.INVALID
    title = "The provider's report cannot be read"


class ReportTooLong(Refusal):
    code = "report_too_long"
    kind = Kind.TOO_LARGE
    title = "The provider's report has too many lines: import it in parts"


class ReportReferenceTaken(Refusal):
    code = "report_reference_taken"
    kind = Kind.CONFLICT
    title = "Another report was imported under this reference"
    constraint = "uq_provider_report_reference"


class ReportImported(Refusal):
    """`reference` in its facts is the one under which the same file was imported."""

    code = "report_imported"
    kind = Kind.CONFLICT
    title = "This very file was imported under another reference"
    constraint = "uq_provider_report_sha256"


class ReportLineImported(Refusal):
    """`errors` names the lines, with the report that each came with before."""

    code = "report_line_imported"
    kind = Kind.CONFLICT
    title = "The report repeats lines that were imported with another one"
    constraint = "uq_provider_line_kind_reference"


class ReportUnderWay(Refusal):
    """The import that began first is given up: what began last goes on."""

    code = "report_under_way"
    kind = Kind.CONFLICT
    title = "The same report is being imported anew"
    constraint = "fk_provider_line_report_id"
    retry_after_seconds = 2


class DayNotOver(Refusal):
    code = "day_not_over"
    kind = Kind.INVALID
    title = "A day can be reconciled once it is over, in the brand's time zone"


class SafeguardingUnproven(Refusal):
    code = "safeguarding_unproven"
    title = (
        "Without the provider's closing balance there is nothing to sign off: import the day's report and run it again"
    )


class SignedOff(Refusal):
    code = "safeguarding_signed_off"
    kind = Kind.CONFLICT
    title = "This reconciliation is signed off already"
    constraint = "pk_safeguarding_sign_off"


class SafeguardingTwin(Refusal):
    code = "safeguarding_under_way"
    kind = Kind.CONFLICT
    title = "The same day is being reconciled just now"
    constraint = "uq_safeguarding_report_day_run"
    retry_after_seconds = 2


class TermsTwin(Refusal):
    code = "merchant_terms_under_way"
    kind = Kind.CONFLICT
    title = "The merchant's terms are being set just now"
    constraint = "uq_merchant_terms_merchant_id_currency_effective_at"
    retry_after_seconds = 1


class SettlementInFuture(Refusal):
    code = "settlement_in_future"
    kind = Kind.INVALID
    title = "A settlement can be closed up to now, not beyond"


class SettlementTwin(Refusal):
    code = "settlement_under_way"
    kind = Kind.CONFLICT
    title = "The same merchant is being settled just now"
    constraint = "uq_settlement_account_id_sequence"
    retry_after_seconds = 2


class NothingToPayOut(Refusal):
    """`without_bank_account` in its facts names merchants whose payouts wait for their bank account."""

    code = "nothing_to_pay_out"
    title = "No settlement waits to be paid out in this currency"


class BankAccountInvalid(Refusal):
    code = "bank_account_invalid"
    kind = Kind.INVALID
    title = "The bank account is not valid"


class DebtorMissing(Refusal):
    code = "payout_debtor_missing"
    title = "The brand's own bank account is not set: PAYOUT_DEBTOR_NAME and PAYOUT_DEBTOR_ACCOUNT"


class ReportMediaUnknown(Refusal):
    code = "report_media_unknown"
    kind = Kind.MALFORMED
    title = "Send the report as text/csv or, for JSON lines, application/jsonl"


class PayoutTwin(Refusal):
    code = "payout_under_way"
    kind = Kind.CONFLICT
    title = "The same payouts are being put into a file just now"
    constraint = "pk_payout"
    retry_after_seconds = 2


class DivertedRefundSettled(Refusal):
    """`adjustment_id` in its facts is the one that settled it."""

    code = "diverted_refund_settled"
    kind = Kind.CONFLICT
    title = "This refund was settled by another adjustment"


class AdjustmentUnfit(Refusal):
    code = "adjustment_unfit"
    kind = Kind.INVALID
    title = "Name an adjustment that was posted out of brand:suspense after the refund, over its amount, for it alone"


class BankAccountReplaced(Refusal):
    """`bank_account_id` in its facts is the one that holds."""

    code = "bank_account_replaced"
    kind = Kind.CONFLICT
    title = "An account that was set later holds already"


class PayoutOnItsWay(Refusal):
    """`payout_file_id` in its facts is the file that has it."""

    code = "payout_on_its_way"
    kind = Kind.CONFLICT
    title = "This payout is in a file for the bank already"
