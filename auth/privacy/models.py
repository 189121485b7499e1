"""The tables of exports and erasures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.work import Due

WAITING, GATHERING, READY = "waiting", "gathering", "ready"
ERASING, ERASED = "erasing", "erased"

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Erasure(Due, Base):
    """The erasing of one customer. It outlives them and says nothing about them.

    token    HMAC of what the receipt is asked for with
    parted   by room, what was given up as it began, or by which word the room refused that in a restored backup
    steps    by what is done, its figures: {"insights.trait": 12}
    before   what the ledger said before, which it must say after
    receipt  a JWS, once it is done
    due_at   when to go on; after it is done, when to look once more for what readers wrote late
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("state IN ('erasing', 'erased')", name="state"),
        CheckConstraint("(state = 'erased') = (done_at IS NOT NULL AND receipt IS NOT NULL)", name="done"),
        Index("ix_erasure_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        _SCHEMA,
    )

    customer_id: Mapped[UUID] = mapped_column(unique=True)
    token: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    parted: Mapped[dict[str, Any]]
    steps: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    receipt: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None]


class PersonalExport(Due, Base):
    """Everything that is held on a customer, gathered for them; parts: how many there are, once it is ready."""

    __tablename__ = "personal_export"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'gathering', 'ready')", name="state"),
        CheckConstraint("(state = 'ready') = (parts IS NOT NULL)", name="parts"),
        Index(None, "customer_id"),
        Index("ix_personal_export_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(None, "expires_at"),
        _SCHEMA,
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    parts: Mapped[int | None]


class PersonalExportPart(Base):
    """A piece of an export's text, sealed under the customer's key."""

    __tablename__ = "personal_export_part"
    __table_args__ = (_SCHEMA,)

    export_id: Mapped[UUID] = mapped_column(ForeignKey("auth.personal_export.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
