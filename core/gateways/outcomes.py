"""What giving one message to a provider can end in.

The one question that matters to the sender is whether the provider may have taken the message, because only
when it surely has not may the same message be given again.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it; whether it reaches the customer is told later, if at all."""

    provider_message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider surely did not take it, for a reason of the message's or of our account.

    permanent: the same message would be refused again (a bad number, an opt-out). When false it is our set-up
    that is at fault (credentials, a sender that is not registered), which an operator may mend in time.
    is_routes: whether every message that goes this way would be refused, rather than those of one kind (a country that
    our account may not write to)
    """

    code: str
    permanent: bool
    is_routes: bool = True


@dataclass(frozen=True, slots=True)
class AddressDead:
    """Nothing will ever reach this address again (an app that was removed): forget the address."""

    code: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The provider surely did not take it and may later (too many requests, connection refused)."""

    code: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell: the request left us and no answer came back. Never to be sent again blindly."""

    reason: str


Outcome = Accepted | Refused | AddressDead | Retry | Unknown
