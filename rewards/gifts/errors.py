"""What is refused about gifts to friends, and why."""

from core.errors import Kind, Refusal


class GiftEnded(Refusal):
    """`outcome` in its facts: delivered, cancelled or returned."""

    code = "gift_ended"
    kind = Kind.CONFLICT
    title = "This gift is not on its way any more"


class GiftTooLate(Refusal):
    """`expires_at` in its facts."""

    code = "gift_too_late"
    title = "The gift card would have expired before the gift can be received"
