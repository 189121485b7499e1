"""What consents announce."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(Event):
    """given_through: where it was said; wording_id: the words in which the customer was asked."""

    name: ClassVar[str] = "consent.changed"

    channel: str
    purpose: str
    is_granted: bool
    given_through: str
    wording_id: UUID | None = None
