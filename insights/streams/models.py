"""What streams count. All of it can be built again from the log."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, Numeric, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.events.log import Xid8


class Definitions(Base):
    """One row at most: a version that is another one after each change of a stream or a segment."""

    __tablename__ = "definitions"
    __table_args__ = (CheckConstraint("is_only", name="is_only"), {"schema": "insights"})

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    version: Mapped[UUID]


class StreamRow(Base):
    """What is counted; `insights.streams.Stream` says what the first four columns mean.

    filled_slots  of the log, up to where its reader stood: the reader counts events of these alone
    filled_…      where filling the next one stands
    """

    __tablename__ = "stream"
    __table_args__ = (
        CheckConstraint("state IN ('filling', 'live', 'dropped')", name="state"),
        CheckConstraint("(state = 'dropped') = (dropped_at IS NOT NULL)", name="dropped"),
        CheckConstraint("filled_slots BETWEEN 0 AND 64", name="filled_slots"),
        Index("ix_stream_filling", "id", postgresql_where=text("state = 'filling'")),
        {"schema": "insights"},
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    event: Mapped[str] = mapped_column(Text)
    named: Mapped[str] = mapped_column(Text, server_default="")
    condition: Mapped[str] = mapped_column(Text, server_default="")
    field: Mapped[str] = mapped_column(Text, server_default="")
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    state: Mapped[str] = mapped_column(Text)
    filled_slots: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    filled_epoch: Mapped[int | None]
    filled_xid: Mapped[str | None] = mapped_column(Xid8)
    filled_seq: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]


class Activity(Base):
    """What a customer did of one stream, ever. total: the sum of the stream's field"""

    __tablename__ = "activity"
    __table_args__ = (Index(None, "stream_id", "customer_id"), {"schema": "insights"})

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream_id: Mapped[int] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[Decimal] = mapped_column(Numeric)


class ActivityDay(Base):
    """The same for one of the brand's days."""

    __tablename__ = "activity_day"
    __table_args__ = (Index(None, "customer_id", "stream_id", "day"), {"schema": "insights"})

    stream_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[Decimal] = mapped_column(Numeric)


class Habit(Base):
    """In which hours of the day (UTC) a customer is there."""

    __tablename__ = "habit"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour"), {"schema": "insights"})

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
