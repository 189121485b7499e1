"""What people do with what was sent to them."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class LinkClicked(Event):
    """A customer followed a link of a message for the first time.

    reference  what the message was for; kind: url, voucher or preferences; position: which link of its wording
    """

    name: ClassVar[str] = "link.clicked"

    reference: UUID
    message_id: UUID | None
    kind: str
    position: int
