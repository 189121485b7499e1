"""What is refused where people pay, and why."""

from core.errors import Kind, Refusal


class CodeUnreadable(Refusal):
    """Its form is not that of an EMVCo merchant-presented code: a bad length, a missing or repeated part."""

    code = "payment_code_unreadable"
    kind = Kind.INVALID
    title = "This is not a payment code"


class CodeDamaged(Refusal):
    code = "payment_code_damaged"
    kind = Kind.INVALID
    title = "The payment code's check sum does not fit: scan it again"


class CodeForeign(Refusal):
    code = "payment_code_foreign"
    kind = Kind.INVALID
    title = "This payment code is not one of this brand's"


class CodeAltered(Refusal):
    """Somebody has rewritten it: customers must not be shown one amount and pay another."""

    code = "payment_code_altered"
    kind = Kind.INVALID
    title = "The payment code does not say what the till asked for"


class CodeCurrencyUnknown(Refusal):
    code = "payment_code_currency_unknown"
    kind = Kind.INVALID
    title = "The wallet does not hold the currency of this payment code"


class TillReferenceReused(Refusal):
    """Only the same request may come again under a till's reference; it then gets the same answer."""

    code = "till_reference_reused"
    kind = Kind.CONFLICT
    title = "The till has used this reference for something else"


class PaymentReversed(Refusal):
    """The till has taken it back, before or after it came."""

    code = "payment_reversed"
    title = "The till has reversed the payment of this reference"


class ReversalTooLate(Refusal):
    """`reversible_until` in its facts; a refund has no such end."""

    code = "reversal_too_late"
    title = "The payment is too old to be reversed: refund it"


class PaymentRequestPaid(Refusal):
    code = "payment_request_paid"
    title = "This basket has been paid"


class PaymentRequestCancelled(Refusal):
    code = "payment_request_cancelled"
    title = "The till does not ask for this payment any more"


class PaymentRequestExpired(Refusal):
    code = "payment_request_expired"
    title = "The code of this basket has expired: ask the till for a new one"


class AmountNotAsked(Refusal):
    """`amount_minor` in its facts is what the basket costs."""

    code = "amount_not_asked"
    title = "A basket is paid with exactly what it costs"


class AmountMissing(Refusal):
    code = "amount_missing"
    kind = Kind.INVALID
    title = "A store's code says no amount: send the amount to pay"


class TipNotAllowed(Refusal):
    code = "tip_not_allowed"
    title = "The till takes no tip on this basket"


class GiftCardUnknown(Refusal):
    code = "gift_card_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such gift card that the customer can spend now"
