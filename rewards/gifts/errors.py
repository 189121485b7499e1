"""What is refused about gifts to friends, and why."""

from core.errors import Kind, Refusal


class VoucherNotTransferable(Refusal):
    code = "voucher_not_transferable"
    title = "This coupon is for the customer alone who holds it"


class GiftTooLate(Refusal):
    """`expires_at` in its facts."""

    code = "gift_too_late"
    title = "The voucher would have expired before the gift can be received"


class GiftTooEarly(Refusal):
    """`deliver_at` in its facts."""

    code = "gift_too_early"
    kind = Kind.CONFLICT
    title = "The day of this gift has not come yet"


class GiftEnded(Refusal):
    """`outcome` in its facts: delivered, cancelled or returned."""

    code = "gift_ended"
    kind = Kind.CONFLICT
    title = "This gift is not on its way any more"
