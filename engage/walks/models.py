"""Those who walk a journey, and what each step did."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
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
ARMS = ("treated", "holdout", "control")


class Enrolment(Due, Base):
    """One customer's walk through one version.

    entry_key            "" where a customer enters once; the value of the trigger's key otherwise
    step, visit          where the walk stands, and how many steps it has taken
    awaited_event        what ends the wait before `timeout_at`; `due_at` is only when a worker looks next
    voucher_redeemed_at  when the voucher of this walk was redeemed, as the log told it
    caused_by, depth     the event that moved it last
    arm                  treated; holdout (of this journey) and control (of all) walk it without its effects
    context              the event that let them in: its name, id and what templates and branches may say of it
    variants             by step, which way a split sent them
    is_exclusive         whether this customer may walk the journey only once at a time
    goal_until           how long a conversion counts; NULL once it has happened or the time is over
    conversion           the event that converted them, and the message that is credited with it
    moved_from           the version that they entered, where a later one took them over
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("journey_id", "customer_id", "entry_key"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("(state = 'ended') = (due_at IS NULL)", name="due"),
        CheckConstraint("(state = 'ended') = (end_reason IS NOT NULL)", name="ended"),
        Index("ix_enrolment_due", "due_at", postgresql_where=text("state <> 'ended'")),
        Index("ix_enrolment_live", "customer_id", postgresql_where=text("state <> 'ended' OR goal_until IS NOT NULL")),
        Index(
            "uq_enrolment_open",
            "journey_id",
            "customer_id",
            unique=True,
            postgresql_where=text("state <> 'ended' AND is_exclusive"),
        ),
        Index("ix_enrolment_held", "journey_id", "id", postgresql_where=text("due_at = '9999-01-01 00:00:00+00'")),
        Index("ix_enrolment_version_id", "version_id", "id", postgresql_where=text("state <> 'ended'")),
        Index("ix_enrolment_goal_until", "goal_until", postgresql_where=text("goal_until IS NOT NULL")),
        CheckConstraint(one_of("arm", ARMS), name="arm"),
        Index("ix_enrolment_voucher_id", "voucher_id"),
        {"schema": "engage"},
    )

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey_version.id"))
    customer_id: Mapped[UUID]
    entry_key: Mapped[str] = mapped_column(Text)
    arm: Mapped[str] = mapped_column(Text, default="treated", server_default="treated")
    is_held_out: Mapped[bool] = mapped_column(Computed("arm <> 'treated'", persisted=True))
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
    context: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'::jsonb"))
    variants: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'::jsonb"))
    is_exclusive: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    goal_until: Mapped[datetime | None]
    converted_at: Mapped[datetime | None]
    conversion: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    moved_from: Mapped[UUID | None]


class StepRun(Base):
    """What one step did for one customer, and why: the evidence behind every message sent or not sent."""

    __tablename__ = "step_run"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "step", "visit"),
        Index("ix_step_run_customer_id", "customer_id", "id"),
        Index("ix_step_run_voucher_id", "voucher_id", postgresql_where=text("voucher_id IS NOT NULL")),
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
    variant: Mapped[str | None] = mapped_column(Text)


class RefusedEntry(Base):
    """Somebody whom an event did not let into a journey, and why; kept for 90 days."""

    __tablename__ = "refused_entry"
    __table_args__ = (
        Index("ix_refused_entry_customer_id", "customer_id", "at"),
        Index("ix_refused_entry_at", "at"),
        {"schema": "engage"},
    )

    journey_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    at: Mapped[datetime]
