"""Effects: what a batch of walks brings about, collected while they walk and then written at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import LoggedEvent
from engage.journeys.versions import Version
from engage.steps import Ask, Run, SendMessage
from engage.walks.walk import Walk


@dataclass(frozen=True, slots=True)
class AskPast:
    """What happened to the customer already that a wait looks back for: events of this name since then."""

    event: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What one step of one walk asks for before it goes on."""

    walk: Walk
    run: Run
    ask: Ask | AskPast


@dataclass(frozen=True, slots=True)
class Given:
    """A voucher was issued; credit was given, where there is none."""

    voucher_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is given. is_held_out: no fault, but how the effect of a campaign is told"""

    code: str
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_held_out: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The facts that were asked for, as `insights.segments` holds them."""

    facts: Any


@dataclass(frozen=True, slots=True)
class Past:
    """The events that were asked for, the earliest first."""

    events: Sequence[LoggedEvent]


@dataclass(frozen=True, slots=True)
class Noted:
    """A trait is set, a call waits to be made, staff are told. outcome: of the step's run"""

    outcome: str = "done"


Answer = Given | Refused | Known | Past | Noted


@dataclass(frozen=True, slots=True)
class Planned:
    """One message step of one walk, with the voucher that the walk held when it came there.

    traits  those that were set just before, which their reader has not written yet
    """

    walk: Walk
    run: Run
    step: SendMessage
    voucher_id: UUID | None
    traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """A wait that is over: which run of whose walk, and how it ended."""

    walk: Walk
    step: str
    visit: int
    outcome: str
    reasons: list[dict[str, Any]]


@dataclass(slots=True)
class Effects:
    """What one transaction moves.

    new_id  draws the ids of walks and runs
    is_late whether walks come to their steps some time after their time: due work, not an event just read
    begun, moved  by id, the walks that began here and those that were there
    resumed walks that stood before a step, ready to go on, when something happened
    paused  by walk, the run of the wait that it came to here
    traits  by customer, those that were set here: their reader has not written them yet
    """

    versions: Mapping[UUID, Version]
    now: datetime
    new_id: Callable[[], UUID]
    is_late: bool = False
    begun: dict[UUID, Walk] = field(default_factory=dict)
    moved: dict[UUID, Walk] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    resumed: set[UUID] = field(default_factory=set)
    paused: dict[UUID, Run] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    traits: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    converted: list[Walk] = field(default_factory=list)
    ended: list[Walk] = field(default_factory=list)

    def version(self, walk: Walk) -> Version:
        return self.versions[walk.version_id]

    def walks(self) -> list[Walk]:
        return [*self.begun.values(), *self.moved.values()]

    def touch(self, walk: Walk) -> None:
        """Have a walk written."""
        if walk.id not in self.begun:
            self.moved[walk.id] = walk
