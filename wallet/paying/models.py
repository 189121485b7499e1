"""What tills ask to be paid, and in which order customers pay."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class PaymentRequest(Base):
    """A basket that waits to be paid by whoever scans its code, once and for exactly its amount.

    tip_minor    what its customer gave on top, where `tip_allowed`
    payment_id   of the transfer that paid it
    """

    __tablename__ = "payment_request"
    __table_args__ = (
        UniqueConstraint("terminal_id", "till_reference"),
        UniqueConstraint("payment_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("tip_minor = 0 OR tip_minor > 0 AND tip_allowed", name="tip"),
        CheckConstraint("state IN ('open', 'paid', 'cancelled')", name="state"),
        CheckConstraint("(state = 'paid') = (payment_id IS NOT NULL)", name="paid"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("expires_at > created_at", name="expiry"),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    till_reference: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    tip_allowed: Mapped[bool]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    payment_id: Mapped[UUID | None]
    tip_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PaymentPreference(Base):
    """The kinds of source that a customer pays with, in their order; those left out are not touched unless named."""

    __tablename__ = "payment_preference"
    __table_args__ = (
        CheckConstraint(
            "cardinality(sources) > 0 AND sources <@ ARRAY['promotional', 'gift_card', 'points', 'cash']",
            name="sources",
        ),
        {"schema": "wallet"},
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    updated_at: Mapped[datetime]
