"""What adjustments and batches refuse, and why."""

from core.errors import Kind, Refusal
from wallet.errors import PostingRefused


class CustomerUnknown(Refusal):
    code = "customer_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such customer"


class DebtOverpaid(PostingRefused):
    code = "debt_overpaid"
    title = "The customer does not owe that much"


class PayoutExceedsPayable(PostingRefused):
    code = "payout_exceeds_payable"
    title = "The merchant is not owed that much"


class LapsedAlready(Refusal):
    code = "lapsed_already"
    title = "What is given would have lapsed before it is there"


class ApprovalNeeded(Refusal):
    """facts: total_minor, above_minor, currency."""

    code = "approval_needed"
    title = "A batch that moves so much needs a second person's approval"
