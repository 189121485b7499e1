"""Every way in which rewards says no. A refusal names the condition with the value it had and the value it needed."""

from core.errors import Kind, Refusal


class VoucherUnknown(Refusal):
    """The one answer to a stranger: a wrong code, someone else's voucher and no voucher at all look the same.

    is_mistyped  the check character says so, before anything is looked up: it is no guess
    """

    code = "voucher_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such voucher"
    is_mistyped = False

    @classmethod
    def mistyped(cls, **facts: object) -> "VoucherUnknown":
        refusal = cls("The code has a typing error in it", **facts)
        refusal.is_mistyped = True
        return refusal


class CodeGuessesExceeded(Refusal):
    """Too many codes were tried that there are not; until `Retry-After` no code is looked up, right ones neither."""

    code = "code_guesses_exceeded"
    kind = Kind.LIMITED
    title = "Too many wrong codes: try again later"


class VoucherExpired(Refusal):
    code = "voucher_expired"
    title = "The voucher has expired"


class VoucherUsedUp(Refusal):
    code = "voucher_used_up"
    title = "The voucher has been used up"

    @classmethod
    def given_on(cls) -> "VoucherUsedUp":
        return cls("This customer had the voucher and gave it to somebody else")


class CampaignNotRunning(Refusal):
    code = "campaign_not_running"
    title = "The voucher's campaign is not running"


class LimitReached(Refusal):
    code = "limit_reached"
    title = "The campaign's limit has been reached"
    constraint = "ck_counter_cap"


class BudgetExhausted(Refusal):
    code = "budget_exhausted"
    title = "The campaign's budget does not cover this any more"


class MinimumSpend(Refusal):
    code = "minimum_spend"
    title = "The basket is below what the voucher asks for"


class ConditionsNotMet(Refusal):
    """A till learns no more: the values stand with the voucher's owner and the staff."""

    code = "conditions_not_met"
    title = "The basket, the customer, the store or the time is not what the voucher asks for"


class NotInAudience(Refusal):
    code = "not_in_audience"
    title = "The voucher is not meant for this customer"


class BasketNotCovered(Refusal):
    code = "basket_not_covered"
    title = "The basket holds none of the products that the voucher is for"


class CurrencyMismatch(Refusal):
    code = "currency_mismatch"
    title = "The voucher is in another currency than the basket"


class VoucherTwice(Refusal):
    code = "voucher_named_twice"
    kind = Kind.INVALID
    title = "The same voucher is named twice in one basket"


class RedemptionReferenceReused(Refusal):
    code = "redemption_reference_reused"
    kind = Kind.CONFLICT
    title = "The till has used this reference for another redemption"


class VoucherSourceReused(Refusal):
    code = "voucher_source_reused"
    kind = Kind.INVALID
    title = "This source names another voucher already"


class CodeTaken(Refusal):
    code = "voucher_code_taken"
    kind = Kind.CONFLICT
    title = "Another voucher has this code"
    constraint = "uq_voucher_code_index"


class CampaignStatusRefused(Refusal):
    code = "campaign_status_refused"
    kind = Kind.CONFLICT
    title = "The campaign cannot go from its status to that one"
