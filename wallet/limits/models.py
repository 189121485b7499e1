"""Limits: what customers of a tier may do, and what they have done. Only the posting functions count it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from wallet.models import Asset

BASIC, VERIFIED, ENHANCED = TIERS = ("basic", "verified", "enhanced")
SCOPES = ("pay", "send", "load")

_TIER = "tier IN ('basic', 'verified', 'enhanced')"


class Holder(Base):
    """What the wallet knows of a customer; who has no row is of the tier "basic"."""

    __tablename__ = "holder"
    __table_args__ = (CheckConstraint(_TIER, name="tier"), {"schema": "wallet"})

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(Text, server_default="basic")
    updated_at: Mapped[datetime]


class LimitRule(Base):
    """What a tier may do in one asset; None for no limit.

    ceiling        the most that may stand on a customer's cash
    step_up_above  what a customer pays or sends above it, they approve with a passkey
    """

    __tablename__ = "limit_rule"
    __table_args__ = (
        CheckConstraint(_TIER, name="tier"),
        CheckConstraint("scope IN ('pay', 'send', 'load')", name="scope"),
        CheckConstraint(
            "per_transfer >= 0 AND per_day >= 0 AND per_month >= 0 AND count_per_hour >= 0 AND ceiling >= 0",
            name="amounts",
        ),
        CheckConstraint("ceiling IS NULL OR scope = 'load'", name="ceiling"),
        CheckConstraint(
            "step_up_above IS NULL OR (step_up_above >= 0 AND scope IN ('pay', 'send'))",
            name="step_up",
        ),
        {"schema": "wallet"},
    )

    tier: Mapped[str] = mapped_column(Text, primary_key=True)
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    asset: Mapped[str] = mapped_column(Text, ForeignKey(Asset.code), primary_key=True)
    per_transfer: Mapped[int | None] = mapped_column(BigInteger)
    per_day: Mapped[int | None] = mapped_column(BigInteger)
    per_month: Mapped[int | None] = mapped_column(BigInteger)
    count_per_hour: Mapped[int | None]
    ceiling: Mapped[int | None] = mapped_column(BigInteger)
    step_up_above: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


class Usage(Base):
    """What a customer has used of the hour, day and month that began then, in the brand's time zone."""

    __tablename__ = "usage"
    __table_args__ = {"schema": "wallet"}

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    asset: Mapped[str] = mapped_column(Text, primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=False))
    hour_count: Mapped[int]
    day: Mapped[date]
    day_amount: Mapped[int] = mapped_column(BigInteger)
    month: Mapped[date]
    month_amount: Mapped[int] = mapped_column(BigInteger)
