"""Segments, and who is in them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

BUILDING, LIVE, ARCHIVED = "building", "live", "archived"
STATUSES = (BUILDING, LIVE, ARCHIVED)


class Segment(Base):
    """Customers who meet a condition, kept up to date as events come.

    expanded     the condition with those of the segments that it names written into it
    previous     what customers go by whom the building has not come to; None while it is built for the first time
    built_slots  built_until: up to where it is built, in the order of (slot, customer)
    members      as they were counted at counted_at
    forgotten_at when nothing was left of who was in it, once it was archived
    """

    __tablename__ = "segment"
    __table_args__ = (
        CheckConstraint("status IN ('building', 'live', 'archived')", name="status"),
        CheckConstraint("built_slots BETWEEN 0 AND 64", name="built_slots"),
        {"schema": "insights"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    condition: Mapped[dict[str, Any]]
    expanded: Mapped[dict[str, Any]]
    previous: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    revision: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    built_slots: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    built_until: Mapped[UUID | None]
    members: Mapped[int | None] = mapped_column(BigInteger)
    counted_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    forgotten_at: Mapped[datetime | None]


class SegmentPart(Base):
    """That a segment's condition names another one."""

    __tablename__ = "segment_part"
    __table_args__ = {"schema": "insights"}

    segment_id: Mapped[UUID] = mapped_column(ForeignKey(Segment.id), primary_key=True)
    part_id: Mapped[UUID] = mapped_column(ForeignKey(Segment.id), primary_key=True, index=True)


class Membership(Base):
    """Whether a customer is in a segment, and since when; recheck_on: the first day on which time alone may change it.

    Whoever writes a slot's rows holds the offset of the insights reader for that slot.
    """

    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_members", "segment_id", "slot", "customer_id", postgresql_where=text("is_in")),
        Index("ix_membership_recheck", "slot", "recheck_on", postgresql_where=text("recheck_on IS NOT NULL")),
        {"schema": "insights"},
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(ForeignKey(Segment.id), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, Computed("core.slot_of(customer_id, NULL)", persisted=True))
    is_in: Mapped[bool]
    since: Mapped[datetime]
    revision: Mapped[int]
    recheck_on: Mapped[date | None]


class DateWatch(Base):
    """A trait whose day somebody waits for, so many days before it.

    since     days that began earlier are told to nobody; last_day: up to it everyone was told
    due_at    when it is looked at next
    """

    __tablename__ = "date_watch"
    __table_args__ = (CheckConstraint("days_before BETWEEN 0 AND 60", name="days_before"), {"schema": "insights"})

    trait: Mapped[str] = mapped_column(Text, primary_key=True)
    days_before: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    since: Mapped[datetime]
    last_day: Mapped[date]
    due_at: Mapped[datetime]
