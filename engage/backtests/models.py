"""The tables of backtests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.replays import Replay


class Backtest(Replay, Base):
    """A graph, to be played over the events in (since, until].

    progress_bps  how much of the log is played
    result        `report.Report` as JSON, once it is done
    """

    __tablename__ = "backtest"
    __table_args__ = (
        CheckConstraint("since < until", name="window"),
        CheckConstraint("progress_bps BETWEEN 0 AND 10000", name="progress"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result"),
        Index("ix_backtest_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_backtest_lease_until", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        Index("ix_backtest_journey_id", "journey_id", "id"),
        {"schema": "engage"},
    )

    journey_id: Mapped[UUID] = mapped_column(ForeignKey("engage.journey.id"))
    graph: Mapped[dict[str, Any]] = mapped_column(JSONB)
    since: Mapped[datetime]
    until: Mapped[datetime]
    progress_bps: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BacktestCustomer(Base):
    """What one customer would have got. outcome: how their last walk ended, or where it stands at the end"""

    __tablename__ = "backtest_customer"
    __table_args__ = ({"schema": "engage"},)

    backtest_id: Mapped[UUID] = mapped_column(ForeignKey("engage.backtest.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    entries: Mapped[int]
    messages: Mapped[int]
    vouchers: Mapped[int]
    outcome: Mapped[str] = mapped_column(Text)
