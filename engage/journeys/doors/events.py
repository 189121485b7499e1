"""What doors announce."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class EntryRequested(Event):
    """A customer came to a door, once for a reference of the door; journeys that begin at it let them in.

    via  the door's kind: "link", "poster", "keyword" or "partner"
    """

    name: ClassVar[str] = "entry.requested"
    log_only: ClassVar[bool] = True

    door_id: UUID
    slug: str
    via: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class EntriesLeft(Event):
    """More waited for a customer who signed up than one transaction lets in: the others follow."""

    name: ClassVar[str] = "entry.left"
