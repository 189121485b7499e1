"""What every kind of step shares: it is entered with where the walk stands, and says where the walk goes.

A step decides alone and touches nothing outside its run; what many walks ask for is done for all of them at once.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core import ids

#: The step that a branch leads to; None ends the journey there.
Branch = str | None


@dataclass(frozen=True, slots=True)
class Go:
    """On to the next step at once. reason: why the journey ends where `to` is None."""

    to: Branch
    reason: str = "finished"


@dataclass(frozen=True, slots=True)
class Ask:
    """A voucher of this campaign, which must be there before the walk goes on."""

    campaign_id: UUID


@dataclass(frozen=True, slots=True)
class Pause:
    """Stand still until the awaited event, at most until then."""

    until: datetime
    awaited_event: str | None


@dataclass(frozen=True, slots=True)
class End:
    reason: str


Move = Go | Ask | Pause | End


@dataclass(frozen=True, slots=True)
class Where:
    """What a step may know of the walk that enters it."""

    is_held_out: bool
    voucher_id: UUID | None
    voucher_redeemed_at: datetime | None


@dataclass(slots=True)
class Run:
    """One step for one customer, as it will stand in `step_run`."""

    enrolment_id: UUID
    customer_id: UUID
    step: str
    visit: int
    kind: str
    at: datetime
    id: UUID = field(default_factory=ids.new)
    outcome: str = "done"
    reasons: list[dict[str, Any]] = field(default_factory=list)
    voucher_id: UUID | None = None
    message_ids: list[UUID] = field(default_factory=list)

    def because(self, code: str, detail: str, **facts: Any) -> None:
        self.reasons.append({"code": code, "detail": detail, **facts})


class Step(Protocol):
    """One step of a published graph, immutable.

    branches         every way on, by the name that the graph gives it
    gives_voucher_on the branch past which the walk surely holds a voucher
    needs_voucher    why a voucher must have been issued before it; None when it need not
    pauses           whether it lets time pass, so that a loop through it cannot spin
    """

    @property
    def kind(self) -> str: ...

    @property
    def branches(self) -> dict[str, Branch]: ...

    @property
    def gives_voucher_on(self) -> str | None: ...

    @property
    def needs_voucher(self) -> str | None: ...

    @property
    def pauses(self) -> bool: ...

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move: ...


@dataclass(frozen=True)
class Plain:
    """What most steps are: they neither give nor need a voucher, nor let time pass."""

    gives_voucher_on: str | None = field(default=None, init=False)
    needs_voucher: str | None = field(default=None, init=False)
    pauses: bool = field(default=False, init=False)
