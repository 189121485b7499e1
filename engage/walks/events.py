"""What walks announce."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class JourneyEntered(Event):
    """A customer began a journey. arm: treated, or holdout or control, who walk it without its effects"""

    name: ClassVar[str] = "journey.entered"

    journey_id: UUID
    version_id: UUID
    enrolment_id: UUID
    is_held_out: bool
    arm: str


@dataclass(frozen=True, kw_only=True)
class JourneyStepDone(Event):
    """variant: the one that the walk was given before, or that this step gave it

    is_inbox  it said something to the app's inbox alone, so that no message will tell of it
    """

    name: ClassVar[str] = "journey.step_done"

    journey_id: UUID
    enrolment_id: UUID
    step_run_id: UUID
    step: str
    kind: str
    outcome: str
    arm: str
    variant: str | None
    is_inbox: bool = False


@dataclass(frozen=True, kw_only=True)
class JourneyConverted(Event):
    """The goal was reached in time, once an enrolment, in every arm.

    event_id      what reached it, at `converted_at`
    message_id    the last message of this walk that had been delivered by then
    """

    name: ClassVar[str] = "journey.converted"

    journey_id: UUID
    enrolment_id: UUID
    event_id: UUID
    converted_at: datetime
    arm: str
    variant: str | None
    message_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class JourneyEnded(Event):
    name: ClassVar[str] = "journey.ended"

    journey_id: UUID
    enrolment_id: UUID
    reason: str
    arm: str
