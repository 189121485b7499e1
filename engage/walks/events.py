"""What walks announce."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class JourneyEntered(Event):
    """A customer began a journey. Those held out walk it too, without its effects."""

    name: ClassVar[str] = "journey.entered"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    version_id: UUID
    enrolment_id: UUID
    is_held_out: bool


@dataclass(frozen=True, kw_only=True)
class JourneyStepDone(Event):
    name: ClassVar[str] = "journey.step_done"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    enrolment_id: UUID
    step_run_id: UUID
    step: str
    kind: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class JourneyEnded(Event):
    name: ClassVar[str] = "journey.ended"
    log_only: ClassVar[bool] = True

    journey_id: UUID
    enrolment_id: UUID
    reason: str
