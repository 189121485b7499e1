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


class CodeCurrencyUnknown(Refusal):
    code = "payment_code_currency_unknown"
    kind = Kind.INVALID
    title = "The wallet does not hold the currency of this payment code"
