"""The table of simulations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.replays import Replay


class Simulation(Replay, Base):
    """A campaign's terms of one revision, to be played over the orders in (since, until].

    take_up_bps   the share of qualifying baskets that is expected to use it
    budget_minor  what it may spend; None: without a bound
    progress_bps  how much of the span is played
    result        `report.Report` as JSON, once it is done
    """

    __tablename__ = "simulation"
    __table_args__ = (
        CheckConstraint("since < until", name="window"),
        CheckConstraint("take_up_bps BETWEEN 1 AND 10000", name="take_up"),
        CheckConstraint("budget_minor > 0", name="budget"),
        CheckConstraint("progress_bps BETWEEN 0 AND 10000", name="progress"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
        Index("ix_simulation_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_simulation_lease_until", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        Index(None, "campaign_id", "id"),
        {"schema": "rewards"},
    )

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"))
    revision: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime]
    take_up_bps: Mapped[int]
    budget_minor: Mapped[int | None] = mapped_column(BigInteger)
    progress_bps: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
