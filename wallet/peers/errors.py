"""What is refused between people, and why."""

from core.errors import Kind, Refusal


class SelfTransfer(Refusal):
    code = "self_transfer"
    title = "Nobody can send money to themselves, nor ask themselves for it"


class LinkUnknown(Refusal):
    """One answer for every code that does not work, so that a guesser learns nothing."""

    code = "link_unknown"
    kind = Kind.NOT_FOUND
    title = "This link does not lead to any money"


class TooManyLinks(Refusal):
    code = "too_many_links"
    kind = Kind.LIMITED
    title = "Too many links were tried; try again later"


class SendingEnded(Refusal):
    """`outcome` in its facts: completed, cancelled or returned."""

    code = "sending_ended"
    kind = Kind.CONFLICT
    title = "This sending has ended"


class AlreadyClaimed(Refusal):
    code = "already_claimed"
    kind = Kind.CONFLICT
    title = "Somebody else has claimed this money"


class SendingStopped(Refusal):
    """The sender's wallet gives nothing just now, which is the receiver's business no further."""

    code = "sending_stopped"
    kind = Kind.CONFLICT
    title = "This money cannot be claimed just now"


class ReceiverCannotTake(Refusal):
    """Why is the receiver's business alone: a limit's figures would tell how much they have."""

    code = "receiver_cannot_take"
    title = "Who asked for the money cannot take it just now"


class MoneyRequestEnded(Refusal):
    """`outcome` in its facts: paid, declined, cancelled or lapsed."""

    code = "money_request_ended"
    kind = Kind.CONFLICT
    title = "This request for money has ended"


class TooManyMoneyRequests(Refusal):
    code = "too_many_money_requests"
    kind = Kind.LIMITED
    title = "Too many requests for money; try again later"
