"""The tables of rollbacks."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class RollbackRow(Base):
    """What went back by one deed, of a checkout or of a redemption by itself.

    amount_minor     of the basket, or of the redemption; at_till_minor: of it by the till itself
    lines            [[position, amount_minor, quantity], ...] of a checkout
    redemptions      [[redemption_id, amount_minor, is_whole], ...]
    """

    __tablename__ = "rollback"
    __table_args__ = (
        UniqueConstraint("principal", "key"),
        CheckConstraint("kind IN ('rollback', 'void', 'reversal', 'refund')", name="kind"),
        CheckConstraint("num_nonnulls(checkout_id, redemption_id) = 1", name="subject"),
        CheckConstraint("amount_minor >= 0 AND at_till_minor BETWEEN 0 AND amount_minor", name="amount"),
        Index(None, "checkout_id", postgresql_where=text("checkout_id IS NOT NULL")),
        Index(None, "redemption_id", postgresql_where=text("redemption_id IS NOT NULL")),
        Index(None, "store_id", "made_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    checkout_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.checkout.id"))
    redemption_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.redemption.id"))
    kind: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    at_till_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(Text)
    lines: Mapped[list[list[Any]]] = mapped_column(JSONB, server_default="[]")
    redemptions: Mapped[list[list[Any]]] = mapped_column(JSONB, server_default="[]")
    reason: Mapped[str | None] = mapped_column(Text)
    transfer_id: Mapped[UUID | None]
    principal: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    store_id: Mapped[UUID]
    made_at: Mapped[datetime]


class CheckoutLineBack(Base):
    """How much of a checkout's line went back: a row from its first return on."""

    __tablename__ = "checkout_line_back"
    __table_args__ = (
        CheckConstraint("back_minor BETWEEN 0 AND amount_minor", name="back"),
        CheckConstraint("back_quantity BETWEEN 0 AND quantity", name="quantity"),
        {"schema": SCHEMA},
    )

    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.checkout.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    back_minor: Mapped[int] = mapped_column(BigInteger)
    back_quantity: Mapped[Decimal] = mapped_column(Numeric)


class RedemptionLineBack(Base):
    """How much of a voucher's part of a line went back to its campaign's budget."""

    __tablename__ = "redemption_line_back"
    __table_args__ = (CheckConstraint("back_minor BETWEEN 0 AND amount_minor", name="back"), {"schema": SCHEMA})

    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.redemption.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    back_minor: Mapped[int] = mapped_column(BigInteger)
