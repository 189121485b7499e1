"""The log itself: the table, its slots, and an event as its readers see it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, FetchedValue, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from core import ids
from core.db import Base, Connection
from core.money import SANDBOX

#: For ever: a customer's events keep their order because they all stand in one slot.
SLOTS = 64


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


#: So that reflection knows it, and migrations can be compared with models.
ischema_names["xid8"] = Xid8


class EventRow(Base):
    """One fact. (epoch, xid, seq) is its position; readers follow it below the snapshot's horizon."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_position", "slot", "epoch", "xid", "seq"),
        Index("ix_event_timeline", "customer_id", "occurred_at", "id"),
        Index("ix_event_subject", "subject_id", "occurred_at", "id", postgresql_where=text("customer_id IS NULL")),
        Index("ix_event_orders", "occurred_at", postgresql_where=text("name = 'order.completed'")),
        {"schema": "core", "postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(server_default=FetchedValue())
    xid: Mapped[str] = mapped_column(Xid8, server_default=FetchedValue())
    seq: Mapped[int] = mapped_column(BigInteger, server_default=FetchedValue())
    slot: Mapped[int] = mapped_column(SmallInteger, Computed("core.slot_of(customer_id, subject_id)", persisted=True))
    name: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID | None]
    subject_id: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    source: Mapped[str] = mapped_column(Text)
    caused_by: Mapped[UUID | None]
    depth: Mapped[int] = mapped_column(SmallInteger)
    trace: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class EventPrivate(Base):
    """The personal fields of an event from outside, sealed under the customer's data key."""

    __tablename__ = "event_private"
    __table_args__ = {"schema": "core"}

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


class EventReceipt(Base):
    """What has come in from each source already: a month-partitioned log cannot hold this UNIQUE itself."""

    __tablename__ = "event_receipt"
    __table_args__ = {"schema": "core"}

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    message_id: Mapped[str] = mapped_column(Text, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One fact as a reader is handed it; `payload` holds what its `Event` class declares, JSON-ready."""

    id: UUID
    epoch: int
    xid: int
    seq: int
    slot: int
    name: str
    customer_id: UUID | None
    subject_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    source: str
    caused_by: UUID | None
    depth: int
    trace: str | None
    payload: dict[str, Any]

    @property
    def subject(self) -> str:
        """Whose order it keeps: the customer, or the anonymous subject, or nobody's ("")."""
        return str(self.customer_id) if self.customer_id else self.subject_id or ""

    @property
    def is_sandbox(self) -> bool:
        """Whether it happened in an integrator's sandbox: to nobody, with money that is none."""
        return ids.is_sandbox(self.customer_id) or self.payload.get("currency") == SANDBOX


def slot_of(customer_id: UUID | None, subject_id: str | None = None) -> int:
    """The slot of a customer or anonymous subject; the same hash as `core.slot_of` in the database."""
    subject = str(customer_id) if customer_id else subject_id or ""
    return int(hashlib.md5(subject.encode(), usedforsecurity=False).hexdigest()[:2], 16) % SLOTS


def is_busy(connection: Connection, *, within: timedelta) -> bool:
    """Whether anything was announced so lately: then somebody waits for what follows from it."""
    row = connection.execute(_IS_BUSY, [within]).fetchone()
    return bool(row and row[0])


# By the ids, which begin with the millisecond they were made in: one look at the end of an index.
_IS_BUSY = """
    SELECT EXISTS (
        SELECT FROM core.event
         WHERE id >= (lpad(to_hex((extract(epoch FROM statement_timestamp() - %s) * 1000)::bigint), 12, '0')
                      || repeat('0', 20))::uuid)
"""
