"""What is known of gift cards beside the ledger."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class GiftCardRow(Base):
    """A gift card.

    buyer_id     who bought it, with money of their own; None: the brand gave it
    keeps_until  before then nothing of a bought one lapses, whatever its voucher says
    due_at       when to look after it next: its holder is to be warned, or what is left to lapse
    """

    __tablename__ = "gift_card"
    __table_args__ = (
        CheckConstraint("(buyer_id IS NULL) = (keeps_until IS NULL)", name="bought"),
        Index("ix_gift_card_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.voucher.id"), primary_key=True)
    buyer_id: Mapped[UUID | None]
    keeps_until: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
