"""What is known of gift cards beside the ledger."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class GiftCardRow(Base):
    """A gift card.

    buyer_id     who bought it in the app; nobody knows who buys one at a till
    keeps_until  of one that was bought: before then nothing of it lapses, whatever its voucher says; None: the brand
                 gave it
    due_at       when to look after it next: its holder is to be warned, or what is left to lapse
    """

    __tablename__ = "gift_card"
    __table_args__ = (
        CheckConstraint("buyer_id IS NULL OR keeps_until IS NOT NULL", name="bought"),
        Index("ix_gift_card_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.voucher.id"), primary_key=True)
    buyer_id: Mapped[UUID | None]
    keeps_until: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
