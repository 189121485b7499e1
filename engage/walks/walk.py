"""A walk: one enrolment in hand."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engage.steps import Where


@dataclass(slots=True)
class Walk:
    """One enrolment; `engage.walks.models.Enrolment` says what its columns mean."""

    id: UUID
    journey_id: UUID
    version_id: UUID
    customer_id: UUID
    entry_key: str
    arm: str
    state: str
    due_at: datetime | None
    step: str | None
    visit: int
    step_entered_at: datetime
    awaited_event: str | None
    timeout_at: datetime | None
    voucher_id: UUID | None
    voucher_redeemed_at: datetime | None
    caused_by: UUID | None
    depth: int
    trace: str | None
    entered_at: datetime
    ended_at: datetime | None
    end_reason: str | None

    @property
    def is_held_out(self) -> bool:
        return self.arm != "treated"

    @property
    def where(self) -> Where:
        return Where(
            arm="holdout" if self.is_held_out else "treated",
            journey_id=self.journey_id,
            entry_key=self.entry_key,
            voucher_id=self.voucher_id,
            voucher_redeemed_at=self.voucher_redeemed_at,
        )

    @property
    def is_waiting(self) -> bool:
        return self.state == "waiting"

    def is_timed_out(self, now: datetime) -> bool:
        return self.is_waiting and self.timeout_at is not None and self.timeout_at <= now

    def go(self, step: str, *, now: datetime) -> None:
        self.state, self.step, self.due_at = "ready", step, now
        self.awaited_event = self.timeout_at = None

    def pause(self, *, until: datetime, awaited_event: str | None) -> None:
        self.state, self.due_at, self.timeout_at, self.awaited_event = "waiting", until, until, awaited_event

    def end(self, reason: str, *, now: datetime) -> None:
        self.state, self.due_at, self.ended_at, self.end_reason = "ended", None, now, reason
        self.awaited_event = self.timeout_at = None
