"""What is refused about gift cards, and why. One that is not the customer's is `voucher_unknown`."""

from core.errors import Kind, Refusal


class GiftCardsNotSold(Refusal):
    code = "gift_cards_not_sold"
    title = "Gift cards in this currency are not sold just now"


class GiftCardGiven(Refusal):
    code = "gift_card_given"
    title = "This gift card was given, not bought: it takes no money, and there is none to give back"


class GiftCardsDiffer(Refusal):
    """Value that customers paid for lasts as long as the law says, value that was given does not: they never mix."""

    code = "gift_cards_differ"
    title = "These gift cards cannot become one"


class GiftCardPromised(Refusal):
    code = "gift_card_promised"
    kind = Kind.CONFLICT
    title = "Something of the gift card is promised to a payment that is under way"


class GiftCardMoved(Refusal):
    code = "gift_card_moved"
    kind = Kind.CONFLICT
    title = "The gift card has been used, so it cannot be refunded"


class GiftCardRefundTooLate(Refusal):
    """`until` in its facts."""

    code = "gift_card_refund_too_late"
    title = "The time for giving the gift card back is over"


class GiftCardActive(Refusal):
    code = "gift_card_active"
    title = "This gift card has been sold already"


class GiftCardCreditExhausted(Refusal):
    """`most_minor` and `currency` in its facts."""

    code = "gift_card_credit_exhausted"
    title = "The merchant would owe more for gift cards that it sold than it may"


class GiftCardValueDiffers(Refusal):
    """`value_minor` and `currency` in its facts."""

    code = "gift_card_value_differs"
    title = "The gift card is of another value than the till took for it"
