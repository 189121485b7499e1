"""Journeys, and the versions of each that were published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

STATUSES = ("draft", "live", "paused", "ended")


class Journey(Base):
    """What marketing staff publish.

    live_version_id  the version that new customers enter; those inside finish the version that they entered
    holdout_bps      basis points of customers who walk it without its effects, always the same ones
    draft            the graph that staff work on, with the revision that they last saw
    spend            the most that its vouchers may cost, and in what time
    paused_because   what paused it, where no person did
    outcome_days     how long after an entry a customer's orders count to what the journey caused
    """

    __tablename__ = "journey"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("holdout_bps BETWEEN 0 AND 10000", name="holdout"),
        CheckConstraint("(status = 'draft') = (live_version_id IS NULL)", name="published"),
        CheckConstraint("outcome_days BETWEEN 1 AND 90", name="outcome_days"),
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
