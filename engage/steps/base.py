"""What every kind of step shares: it is entered with where the walk stands, and says where the walk goes.

A step decides alone and touches nothing outside its run. What it needs from others it asks for (`Ask`), so that what
many walks ask for is done for all of them at once, and so that a backtest can answer as well as the house.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from core import ids

#: The step that a branch leads to; None ends the journey there.
Branch = str | None

#: treated: what the journey does happens; holdout and control walk it without its effects.
Arm = Literal["treated", "holdout", "control"]


@dataclass(frozen=True, slots=True)
class Go:
    """On to the next step at once. reason: why the journey ends where `to` is None."""

    to: Branch
    reason: str = "finished"


@dataclass(frozen=True, slots=True)
class Pause:
    """Stand still until the awaited event, at most until then."""

    until: datetime
    awaited_event: str | None


@dataclass(frozen=True, slots=True)
class End:
    reason: str


@dataclass(frozen=True, slots=True)
class AskVoucher:
    """A voucher of this campaign. On by “next” with it, by “on_refused” without."""

    campaign_id: UUID


@dataclass(frozen=True, slots=True)
class AskCredit:
    """Money of the brand's in the customer's wallet, for so many days. On by “next” or “on_refused”."""

    amount_minor: int
    currency: str
    days: int


@dataclass(frozen=True, slots=True)
class AskFacts:
    """What is known of the customer: the step is entered again with it in `Where.facts`.

    needs  those of the conditions that the step decides by (`insights.segments`)
    """

    needs: Collection[Any]


@dataclass(frozen=True, slots=True)
class AskTrait:
    """A trait of the customer's profile. On by “next”."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class AskStaff:
    """A word to staff about this customer. On by “next”."""

    text: str


@dataclass(frozen=True, slots=True)
class AskCall:
    """A call to an outside target with these fields of the entry, made later. On by “next”."""

    target_id: UUID
    fields: Sequence[str] = ()


Ask = AskVoucher | AskCredit | AskFacts | AskTrait | AskStaff | AskCall
Move = Go | Pause | End | Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a step may know of the walk that enters it.

    context   what brought the customer in: {"event", "id", "at", "payload"}
    variants  by step, which variant this walk was given there
    zone      the customer's own time zone (None: the brand's), where a step of the journey asks for it
    facts     what the step asked for before (`AskFacts`), else None
    """

    arm: Arm = "treated"
    journey_id: UUID | None = None
    entry_key: str = ""
    voucher_id: UUID | None = None
    voucher_redeemed_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    facts: Any = None

    @property
    def is_held_out(self) -> bool:
        """Whether it walks without the journey's effects, in whichever arm."""
        return self.arm != "treated"


@dataclass(slots=True)
class Run:
    """One step for one customer, as it will stand in `step_run`. variant: which one the step gave the walk"""

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
    variant: str | None = None

    def because(self, code: str, detail: str, **facts: Any) -> None:
        self.reasons.append({"code": code, "detail": detail, **facts})


class Step(Protocol):
    """One step of a published graph, immutable.

    branches         every way on, by the name that the graph gives it
    gives_voucher_on the branch past which the walk surely holds a voucher
    needs_voucher    why a voucher must have been issued before it; None when it need not
    pauses           whether it lets time pass, so that a loop through it cannot spin; such a step is a `Pausing`
    enter            may be called again for the same visit (with facts, or after the batch was undone), so it changes
                     nothing but its run
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


class Pausing(Step, Protocol):
    """A step at which a walk may stand still. on_timeout: where it goes when the time is over"""

    @property
    def on_timeout(self) -> Branch: ...


@dataclass(frozen=True)
class Plain:
    """What most steps are: they neither give nor need a voucher, nor let time pass."""

    gives_voucher_on: str | None = field(default=None, init=False)
    needs_voucher: str | None = field(default=None, init=False)
    pauses: bool = field(default=False, init=False)


@dataclass(frozen=True, kw_only=True)
class Deed(Plain):
    """A step that has something done for the customer; who is held out passes it by."""

    next: Branch

    @property
    def branches(self) -> dict[str, Branch]:
        return {"next": self.next}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        if where.is_held_out:
            run.outcome = "held_out"
            return Go(self.next)
        return self.asks

    @property
    def asks(self) -> Ask:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Giving(Deed):
    """A deed that may be refused. on_refused: where the walk goes then; None ends it"""

    on_refused: Branch

    @property
    def branches(self) -> dict[str, Branch]:
        return {"next": self.next, "on_refused": self.on_refused}
