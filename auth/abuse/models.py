"""The tables of what keeps codes from being pumped."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class OtpTally(Base):
    """How many codes were sent to a scope in five minutes, and how many of those were used. A scope is a country
    ("country:GB") or a prefix: a number less its last five digits ("prefix:+447700")."""

    __tablename__ = "otp_tally"
    __table_args__ = (Index(None, "period"), _SCHEMA)

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[datetime] = mapped_column(primary_key=True)
    sent: Mapped[int]
    used: Mapped[int]


class OtpStop(Base):
    """A scope that no codes are sent to until a time. After it some are sent on trial, and counted here.

    because  unused: the breaker; staff: a person
    """

    __tablename__ = "otp_stop"
    __table_args__ = (CheckConstraint("because IN ('unused', 'staff')", name="because"), _SCHEMA)

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime]
    because: Mapped[str] = mapped_column(Text)
    stopped_at: Mapped[datetime]
    sent: Mapped[int] = mapped_column(default=0, server_default="0")
    used: Mapped[int] = mapped_column(default=0, server_default="0")
