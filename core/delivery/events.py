"""What became of a message. Addresses and wording never stand here, only ids."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MessageEvent(Event):
    message_id: UUID
    channel: str
    purpose: str
    address_id: UUID | None = None
    reference: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class MessageSent(MessageEvent):
    """A provider took it. country: of a phone number, since the price hangs on it"""

    name: ClassVar[str] = "message.sent"

    provider: str
    country: str | None = None


@dataclass(frozen=True, kw_only=True)
class MessageDelivered(MessageEvent):
    """The provider says that it reached the customer's device."""

    name: ClassVar[str] = "message.delivered"


@dataclass(frozen=True, kw_only=True)
class MessageFailed(MessageEvent):
    """It will not arrive. is_address_dead: nothing will at this address, so its owner should forget it."""

    name: ClassVar[str] = "message.failed"

    reason: str
    is_address_dead: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageInDoubt(MessageEvent):
    """Nobody can tell whether a provider took it; a receipt, its list, the app or an operator settles it."""

    name: ClassVar[str] = "message.put_in_doubt"

    reason: str


@dataclass(frozen=True, kw_only=True)
class MessageSuppressed(MessageEvent):
    """It was held back for good: by its author's gate right before it would have left, or taken back before that."""

    name: ClassVar[str] = "message.suppressed"

    reason: str
