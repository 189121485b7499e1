"""The tables of contacting: the policy in its revisions, and how often each customer was written to."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "engage"}


class PolicyRevision(Base):
    """One state of the policy, written once; the newest holds."""

    __tablename__ = "policy"
    __table_args__ = (CheckConstraint("revision > 0", name="revision"), _SCHEMA)

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    terms: Mapped[dict[str, Any]]
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class CapCount(Base):
    """How many messages one customer got (or will get, where they wait) under one cap in one day, week or month.

    cap      "<channel>:<per>", such as "any:day"
    bucket   in the customer's own calendar: 2026-11-22, 2026-W47 or 2026-11
    ends_on  the first day after the bucket; some days later the row is swept away
    """

    __tablename__ = "cap_count"
    __table_args__ = (
        CheckConstraint("used BETWEEN 0 AND most", name="used"),
        Index(None, "ends_on"),
        _SCHEMA,
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    cap: Mapped[str] = mapped_column(Text, primary_key=True)
    bucket: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[int]
    most: Mapped[int]
    ends_on: Mapped[date]
