"""What the wallet refuses, and why."""

from uuid import UUID

from core.errors import Kind, Refusal


class PostingRefused(Refusal):
    """A refusal of one transfer among those posted together.

    position     which of them, from 0
    account_id   the account at fault (never shown: a till must not learn what a customer has)
    """

    code = "posting_refused"
    title = "The transfer was refused"

    position: int = 0
    account_id: UUID | None = None


class InsufficientFunds(PostingRefused):
    code = "insufficient_funds"
    title = "There is not enough on the account"
    constraint = "ck_balance_floor"


class AccountMissing(PostingRefused):
    code = "account_missing"
    title = "There is no such account"
    constraint = "fk_entry_account_id"


class AccountClosed(PostingRefused):
    code = "account_closed"
    title = "The account is closed"
    constraint = "ck_account_closed"


class AccountFrozen(PostingRefused):
    code = "account_frozen"
    title = "Nothing may leave the account just now"
    constraint = "ck_account_frozen"


class AccountNotEmpty(Refusal):
    """facts: left, what stands or is held on which account."""

    code = "account_not_empty"
    title = "Only empty accounts can be closed"


class LimitExceeded(PostingRefused):
    """facts: limit (per_transfer, per_day, per_month, count_per_hour, ceiling), maximum, left, currency, renews_at."""

    code = "limit_exceeded"
    title = "This would pass a limit of the customer's tier"
    constraint = "ck_usage_limit"


class RefundExceedsPayment(PostingRefused):
    code = "refund_exceeds_payment"
    title = "More would go back than was paid"
    constraint = "ck_transfer_part_refund_cap"


class RefundToStranger(PostingRefused):
    code = "refund_to_stranger"
    title = "Value can only go back to those who gave it"
    constraint = "ck_transfer_part_source"


class CaptureExceedsHold(Refusal):
    """facts: left_minor, what the hold still promises."""

    code = "capture_exceeds_hold"
    title = "More would be captured than the hold still promises"
    constraint = "ck_hold_cap"


class HoldEnded(Refusal):
    """facts: ended_by."""

    code = "hold_ended"
    title = "The hold has ended"


class HoldExpired(Refusal):
    code = "hold_expired"
    title = "The hold's time has passed"


class AmountTooLarge(PostingRefused):
    code = "amount_too_large"
    title = "An account cannot hold that much"


class CurrencyUnknown(Refusal):
    code = "currency_unknown"
    title = "The wallet does not hold this currency"


class SandboxMixed(Refusal):
    """XTS asked for by a real till, anything else by a sandbox's; also what the ledger's own rule says."""

    code = "sandbox_mixed"
    title = "A sandbox deals in XTS alone, and nobody else does"
    constraint = "ck_account_sandbox"


class MerchantUnknown(Refusal):
    code = "merchant_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such merchant"


class TopupDeclined(Refusal):
    """`reason` in its facts is the provider's code."""

    code = "topup_declined"
    title = "The payment provider declined the top-up"


class PaymentsOff(Refusal):
    code = "payments_off"
    kind = Kind.UNAVAILABLE
    title = "Payments are switched off"


class StatementInFuture(Refusal):
    """facts: current, the latest month that has a statement."""

    code = "statement_in_future"
    title = "This month has not begun"


class StatementTooLong(Refusal):
    """facts: most_lines, as many as this form of a statement can hold."""

    code = "statement_too_long"
    title = "The month has more lines than this form of its statement can hold"


class InstantInFuture(Refusal):
    code = "instant_in_future"
    title = "What will stand there is not known yet"
