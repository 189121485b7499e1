"""Every way in which a rollback is refused."""

from core.errors import Kind, Refusal


class RollbackExceedsLine(Refusal):
    code = "rollback_exceeds_line"
    title = "More of the line would go back than is left of it"


class RollbackExceedsRedemption(Refusal):
    code = "rollback_exceeds_redemption"
    title = "More would go back than the voucher gave"


class RolledBackAlready(Refusal):
    code = "rolled_back_already"
    kind = Kind.CONFLICT
    title = "Nothing is left to roll back"


class VoidTooLate(Refusal):
    code = "void_too_late"
    kind = Kind.CONFLICT
    title = "The redemption can no longer be voided: roll it back"


class RedemptionInCheckout(Refusal):
    code = "redemption_in_checkout"
    kind = Kind.CONFLICT
    title = "The redemption belongs to a checkout: roll that back"
