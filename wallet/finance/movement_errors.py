"""What adjustments and batches refuse, and why."""

from core.errors import Kind, Refusal


class CustomerUnknown(Refusal):
    code = "customer_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such customer"


class DebtOverpaid(Refusal):
    code = "debt_overpaid"
    title = "The customer does not owe that much"


class PayoutExceedsPayable(Refusal):
    code = "payout_exceeds_payable"
    title = "The merchant is not owed that much"
