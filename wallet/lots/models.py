"""Lots: value of one origin and one expiry. Only the posting functions (migration 0009) write what they hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from wallet.models import Account


class Lot(Base):
    """Value of one origin and one expiry on an account whose value can lapse.

    source     "promotion", "refund", …
    remaining  what of the amount is left; `held` of it is promised to holds, so it does not lapse
    warned_at  when its owner was told that it lapses soon
    """

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("remaining >= held AND remaining <= amount", name="remaining"),
        Index("ix_lot_account_id", "account_id", postgresql_where=text("remaining > 0")),
        Index("ix_lot_expires_at", "expires_at", postgresql_where=text("remaining > 0")),
        Index("ix_lot_unwarned", "expires_at", postgresql_where=text("remaining > 0 AND warned_at IS NULL")),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    source: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expires_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LotMoveRow(Base):
    """A lot's journal: a negative amount was taken from it, and `refunded` of that has gone back."""

    __tablename__ = "lot_move"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint("refunded >= 0", name="refunded"),
        CheckConstraint("refunded <= greatest(-amount, 0)", name="refund_cap"),
        Index(None, "lot_id"),
        {"schema": "wallet"},
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger, server_default="0")
