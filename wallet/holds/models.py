"""Holds: value that is promised and cannot be spent otherwise. Only the posting functions write their parts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from wallet.models import TransferRow

#: Of a hold for a basket's vouchers: brands' budgets are in it, so it is none of the customer's own.
RESERVATION = "reservation"


class Hold(Base):
    """A promise, under the id of the transfer that placed it.

    kind      what for: "payment", "sending" or "reservation"
    ended_by  "captured" (a last capture), "voided" or "expired"; then what was left is free again
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured >= 0", name="captured"),
        CheckConstraint("voided >= 0", name="voided"),
        CheckConstraint("captured + voided <= amount", name="cap"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        CheckConstraint("ended_by IN ('captured', 'voided', 'expired')", name="ended_by"),
        Index("ix_hold_expires_at", "expires_at", postgresql_where=text("ended_at IS NULL")),
        Index(None, "customer_id", "id"),
        Index("ix_hold_merchant_id_id", "merchant_id", "id", postgresql_where=text("merchant_id IS NOT NULL")),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey(TransferRow.id, deferrable=True, initially="DEFERRED"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID]
    merchant_id: Mapped[UUID | None]
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, server_default="0")
    voided: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expires_at: Mapped[datetime]
    ended_by: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def left(self) -> int:
        """What can still be captured, were it not for time."""
        return self.amount - self.captured - self.voided


class HoldPart(Base):
    """What one source promised to a hold; a source with lots has a part for each lot."""

    __tablename__ = "hold_part"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured >= 0", name="captured"),
        CheckConstraint("released >= 0", name="released"),
        CheckConstraint("captured + released <= amount", name="cap"),
        {"schema": "wallet"},
    )

    hold_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.hold.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    account_id: Mapped[UUID]
    lot_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, server_default="0")
    released: Mapped[int] = mapped_column(BigInteger, server_default="0")

    @property
    def left(self) -> int:
        return self.amount - self.captured - self.released


class HoldMoveRow(Base):
    """A hold's journal: what a transfer added to what is held, and how much of it was captured."""

    __tablename__ = "hold_move"
    __table_args__ = (
        CheckConstraint("held <> 0", name="held"),
        CheckConstraint("captured BETWEEN 0 AND greatest(-held, 0)", name="captured"),
        Index(None, "hold_id"),
        {"schema": "wallet"},
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    held: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger)
