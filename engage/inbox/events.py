"""What the inbox announces."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class InboxItemRead(Event):
    """A customer read what was said to them, in the app. reference: what it was for; None of items from before."""

    name: ClassVar[str] = "inbox_item.read"
    log_only: ClassVar[bool] = True

    item_id: UUID
    reference: UUID | None


@dataclass(frozen=True, kw_only=True)
class InboxItemTakenBack(Event):
    """What a customer could see in the app, and had not read, is not there any more: its message was taken back."""

    name: ClassVar[str] = "inbox_item.taken_back"
    log_only: ClassVar[bool] = True

    item_id: UUID
    reference: UUID | None
