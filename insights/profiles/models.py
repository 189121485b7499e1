"""What the readers keep of each customer. All of it can be built again from the log.

No foreign key leads to auth.customer: events name customers, and a fact about one who is gone must not stop the log.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.work import Due

PHASES = ("discovery", "consideration", "purchase", "retention")

_PHASE = """CASE WHEN orders > 1 THEN 'retention' WHEN orders = 1 THEN 'purchase'
                 WHEN considered_at IS NOT NULL THEN 'consideration' ELSE 'discovery' END"""


class Sighted:
    """When somebody was seen, and the touch that brought them: the earliest that names where it came from."""

    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    considered_at: Mapped[datetime | None]
    touch_at: Mapped[datetime | None]
    touch_event_id: Mapped[UUID | None]
    touch_source: Mapped[str | None] = mapped_column(Text)
    touch_medium: Mapped[str | None] = mapped_column(Text)
    touch_campaign: Mapped[str | None] = mapped_column(Text)


class Profile(Sighted, Base):
    """One customer. `phase` follows from the rest."""

    __tablename__ = "profile"
    __table_args__ = (
        CheckConstraint("orders >= 0", name="orders"),
        Index("ix_profile_phase", "phase"),
        Index("ix_profile_slot", text("core.slot_of(customer_id, NULL::text)"), "customer_id"),
        {"schema": "insights"},
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    orders: Mapped[int] = mapped_column(server_default="0")
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    phase: Mapped[str] = mapped_column(Text, Computed(_PHASE, persisted=True))


class Subject(Sighted, Base):
    """Somebody whom we do not know, under a pseudonym, until they are found to be a customer.

    linked_by  the evidence that they are. is_shared: too many customers were seen under it for it to be anybody's.
    """

    __tablename__ = "subject"
    __table_args__ = (Index("ix_subject_customer_id", "customer_id"), {"schema": "insights"})

    subject_id: Mapped[str] = mapped_column(Text, primary_key=True)
    # Of one who was claimed before anything was seen of them, neither is known.
    first_seen_at: Mapped[datetime | None] = mapped_column(nullable=True)  # type: ignore[assignment]
    last_seen_at: Mapped[datetime | None] = mapped_column(nullable=True)  # type: ignore[assignment]
    customer_id: Mapped[UUID | None]
    linked_at: Mapped[datetime | None]
    linked_by: Mapped[str | None] = mapped_column(Text)
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class Revenue(Base):
    """What a customer's orders came to, a row a currency."""

    __tablename__ = "revenue"
    __table_args__ = {"schema": "insights"}

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    ordered_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)


class Rebuild(Due, Base):
    """A profile that is to be told again from the log; id: the customer's. Gone once it is done."""

    __tablename__ = "rebuild"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'failed')", name="state"),
        Index("ix_rebuild_due", "due_at", postgresql_where=text("state = 'waiting'")),
        {"schema": "insights"},
    )

    asked_at: Mapped[datetime]


class TraitChange(Base):
    """One value that a trait had, from `at` on."""

    __tablename__ = "trait_change"
    __table_args__ = {"schema": "insights"}

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(Text)


class Trait(Base):
    """The latest value of one trait that was reported of a customer; personal ones never come here."""

    __tablename__ = "trait"
    __table_args__ = (
        Index(
            "ix_trait_month_day",
            "name",
            text("\"right\"(value #>> '{}'::text[], 5)"),
            "customer_id",
            postgresql_where=text(
                "jsonb_typeof(value) = 'string' AND value #>> '{}'::text[] ~ '^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$'"
            ),
        ),
        {"schema": "insights"},
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Text, default="outside", server_default="outside")
    event_id: Mapped[UUID | None]
