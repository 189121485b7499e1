"""What incoming messages announce."""

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    """A customer wrote to us. Their text stands sealed beside the event, never in it.

    word    the whole text where it is a keyword: one or two short words of letters and digits, in capitals
    intent  "stop", "start" or "help" where it is one of the words that carriers keep for these
    """

    name: ClassVar[str] = "message.received"

    channel: str
    word: str | None
    intent: str | None
