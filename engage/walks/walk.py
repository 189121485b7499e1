"""A walk: one enrolment in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from engage.steps import Arm, Where
from engage.walks import context


@dataclass(slots=True, kw_only=True)
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
    awaited_event: str | None = None
    timeout_at: datetime | None = None
    voucher_id: UUID | None = None
    voucher_redeemed_at: datetime | None = None
    caused_by: UUID | None = None
    depth: int = 0
    trace: str | None = None
    entered_at: datetime
    ended_at: datetime | None = None
    end_reason: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    is_exclusive: bool = False
    goal_until: datetime | None = None
    converted_at: datetime | None = None
    conversion: dict[str, Any] | None = None
    moved_from: UUID | None = None

    @property
    def is_held_out(self) -> bool:
        return self.arm != "treated"

    @property
    def began_at(self) -> datetime:
        """When that happened which brought the customer in; `entered_at` is when the worker came to it."""
        return context.began_at(self.context) or self.entered_at

    @property
    def variant(self) -> str | None:
        return variant_of(self.variants)

    @property
    def is_waiting(self) -> bool:
        return self.state == "waiting"

    def where(self, zone: str | None = None, *, facts: Any = None) -> Where:
        """What a step is told of it."""
        return Where(
            arm=cast(Arm, self.arm),
            journey_id=self.journey_id,
            entry_key=self.entry_key,
            voucher_id=self.voucher_id,
            voucher_redeemed_at=self.voucher_redeemed_at,
            context=self.context,
            variants=self.variants,
            zone=zone,
            facts=facts,
        )

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


def variant_of(variants: Mapping[str, str]) -> str | None:
    """The variants that a walk was given, by the names of their steps: "warm", or "warm, plain" of two trials."""
    return ", ".join(variants[step] for step in sorted(variants)) or None
