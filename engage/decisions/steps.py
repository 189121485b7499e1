"""Decisions: for one customer, what each step of each journey did, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.journeys.models import Journey
from engage.walks.models import Enrolment, StepRun


@dataclass(frozen=True, slots=True)
class Decision:
    """One step for one customer. outcome: issued, refused, sent, skipped, held_out, waiting, event, timeout or done."""

    id: UUID
    journey_id: UUID
    journey_name: str
    enrolment_id: UUID
    is_held_out: bool
    step: str
    kind: str
    outcome: str
    reasons: list[dict[str, Any]]
    voucher_id: UUID | None
    message_ids: list[UUID]
    at: datetime


def of(session: Session, customer_id: UUID, *, before: UUID | None, limit: int) -> list[Decision]:
    """The latest first, from the one before `before` on."""
    query = (
        select(
            StepRun.id, Journey.id, Journey.name, StepRun.enrolment_id, Enrolment.is_held_out, StepRun.step,
            StepRun.kind, StepRun.outcome, StepRun.reasons, StepRun.voucher_id, StepRun.message_ids, StepRun.at,
        )
        .join(Enrolment, Enrolment.id == StepRun.enrolment_id)
        .join(Journey, Journey.id == Enrolment.journey_id)
        .where(StepRun.customer_id == customer_id)
        .order_by(StepRun.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(StepRun.id < before)
    return [Decision(*row) for row in session.execute(query)]
