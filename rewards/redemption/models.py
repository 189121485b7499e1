"""The tables of what a till begins before it takes a basket."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class VisitRow(Base):
    """One scan of a customer's code at a terminal. ended_by: 'till', or 'checkout' since one scan pays once."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("ended_by IN ('till', 'checkout')", name="ended_by"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index(None, "expires_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(Text)
