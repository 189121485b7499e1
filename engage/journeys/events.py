"""What journeys announce of themselves; what their customers do is announced by their walks."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class JourneyPublished(Event):
    """inside: what becomes of those who walk an earlier version: "finish", "migrate" or "exit"."""

    name: ClassVar[str] = "journey.published"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    version_id: UUID
    number: int
    inside: str


@dataclass(frozen=True, kw_only=True)
class JourneyPaused(Event):
    """Nobody enters any more. because: "staff", or what did it by itself, such as "spend_ever"."""

    name: ClassVar[str] = "journey.paused"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    because: str


@dataclass(frozen=True, kw_only=True)
class JourneyResumed(Event):
    """because: "staff", or "new_day" where only the day's spend had been reached."""

    name: ClassVar[str] = "journey.resumed"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    because: str
