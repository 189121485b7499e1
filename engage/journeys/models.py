"""Journeys, and the versions of each that were published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

STATUSES = ("draft", "live", "paused", "ended")


class Journey(Base):
    """What marketing staff publish.

    live_version_id  the version that new customers enter; those inside finish the version that they entered
    holdout_bps      basis points of customers who walk it without its effects, always the same ones
    draft            the graph that staff work on, with the revision that they last saw
    spend            the most that its vouchers may cost, and in what time
    paused_because   what paused it, where no person did
    is_holding       while it is paused, those inside stand still as well
    wakes_until      it has gone on: those whom it held are woken, and somebody may still be found until then
    outcome_days     how long after an entry a customer's orders count to what the journey caused
    """

    __tablename__ = "journey"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("holdout_bps BETWEEN 0 AND 10000", name="holdout"),
        CheckConstraint("(status = 'draft') = (live_version_id IS NULL)", name="published"),
        CheckConstraint("outcome_days BETWEEN 1 AND 90", name="outcome_days"),
        CheckConstraint("NOT is_holding OR status = 'paused'", name="holding"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    holdout_bps: Mapped[int] = mapped_column(Integer)
    live_version_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    description: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(Text)
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    draft_revision: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    spend: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    paused_because: Mapped[str | None] = mapped_column(Text)
    outcome_days: Mapped[int] = mapped_column(Integer, default=30, server_default="30")
    is_holding: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    wakes_until: Mapped[datetime | None]


class JourneyVersion(Base):
    """One published graph; never changed (a trigger refuses)."""

    __tablename__ = "journey_version"
    __table_args__ = (UniqueConstraint("journey_id", "number"), {"schema": "engage"})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"))
    number: Mapped[int] = mapped_column(Integer)
    graph: Mapped[dict[str, Any]] = mapped_column(JSONB)
    published_by: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]


class JourneySpend(Base):
    """What a journey has given away of one currency in one stretch of time ("ever", or a day of the brand's), which its
    cap bounds.
    """

    __tablename__ = "journey_spend"
    __table_args__ = (CheckConstraint("spent_minor BETWEEN 0 AND most_minor", name="spent"), {"schema": "engage"})

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"), primary_key=True)
    bucket: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    spent_minor: Mapped[int] = mapped_column(BigInteger)
    most_minor: Mapped[int] = mapped_column(BigInteger)


class JourneyCount(Base):
    """Where those inside a large journey stood when they were last counted. counts: `standing.StepCount`s"""

    __tablename__ = "journey_count"
    __table_args__ = ({"schema": "engage"},)

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"), primary_key=True)
    counts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    counted_at: Mapped[datetime]


class VersionMove(Due, Base):
    """What becomes of those inside a version that another one replaced: taken over step by step, or sent out.

    map      by step of the old version, the step of the new one, or null where they leave; others finish the old one
    reached  the last enrolment that was looked at
    """

    __tablename__ = "version_move"
    __table_args__ = (
        CheckConstraint("how IN ('migrate', 'exit')", name="how"),
        CheckConstraint("(how = 'migrate') = (to_id IS NOT NULL)", name="to"),
        CheckConstraint("state IN ('waiting', 'done')", name="state"),
        CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="due"),
        Index("ix_version_move_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_version_move_journey_id", "journey_id", "id"),
        {"schema": "engage"},
    )

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"))
    from_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey_version.id"))
    to_id: Mapped[UUID | None] = mapped_column(ForeignKey("engage.journey_version.id"))
    how: Mapped[str] = mapped_column(Text)
    map: Mapped[dict[str, Any]] = mapped_column(JSONB)
    moved: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    ended: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    reached: Mapped[UUID | None]
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
