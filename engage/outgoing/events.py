"""What became of a message once it was there."""

from dataclasses import dataclass
from typing import ClassVar

from core.delivery.events import MessageEvent


@dataclass(frozen=True, kw_only=True)
class MessageOpened(MessageEvent):
    """Its customer opened it: the app says so, or the mail program that showed its picture. The first time counts."""

    name: ClassVar[str] = "message.opened"


@dataclass(frozen=True, kw_only=True)
class MessageActed(MessageEvent):
    """Its customer pressed one of its buttons; action: that one's id."""

    name: ClassVar[str] = "message.acted"
    log_only: ClassVar[bool] = True

    action: str
