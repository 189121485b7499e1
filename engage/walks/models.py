"""Those who walk a journey, and what each step did."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from core.db import Base, one_of
from core.work import Due

# ready: its next step waits for the next transaction; waiting: for an event or its time-out.
STATES = ("ready", "waiting", "ended")


class Enrolment(Due, Base):
    """One customer's walk through one version.

    entry_key            "" where a customer enters once; the value of the trigger's key otherwise
    step, visit          where the walk stands, and how many steps it has taken
    awaited_event        what ends the wait before `timeout_at`; `due_at` is only when a worker looks next
    voucher_redeemed_at  when the voucher of this walk was redeemed, as the log told it
    caused_by, depth     the event that moved it last
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("journey_id", "customer_id", "entry_key"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("(state = 'ended') = (due_at IS NULL)", name="due"),
        CheckConstraint("(state = 'ended') = (end_reason IS NOT NULL)", name="ended"),
        Index("ix_enrolment_due", "due_at", postgresql_where=text("state <> 'ended'")),
        Index("ix_enrolment_awaiting", "customer_id", "awaited_event", postgresql_where=text("state = 'waiting'")),
        Index("ix_enrolment_voucher_id", "voucher_id"),
        {"schema": "engage"},
    )

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey_version.id"))
    customer_id: Mapped[UUID]
    entry_key: Mapped[str] = mapped_column(Text)
    is_held_out: Mapped[bool]
    step: Mapped[str | None] = mapped_column(Text)
    visit: Mapped[int] = mapped_column(Integer)
    step_entered_at: Mapped[datetime]
    awaited_event: Mapped[str | None] = mapped_column(Text)
    timeout_at: Mapped[datetime | None]
    voucher_id: Mapped[UUID | None]
    voucher_redeemed_at: Mapped[datetime | None]
    caused_by: Mapped[UUID | None]
    depth: Mapped[int] = mapped_column(SmallInteger)
    trace: Mapped[str | None] = mapped_column(Text)
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(Text)


class StepRun(Base):
    """What one step did for one customer, and why: the evidence behind every message sent or not sent."""

    __tablename__ = "step_run"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step", "visit"),
        Index("ix_step_run_customer_id", "customer_id", "id"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    enrolment_id: Mapped[UUID] = mapped_column(ForeignKey("engage.enrolment.id"))
    customer_id: Mapped[UUID]
    step: Mapped[str] = mapped_column(Text)
    visit: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    voucher_id: Mapped[UUID | None]
    message_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid(as_uuid=True)))
    at: Mapped[datetime]
