"""Vouchers on their way to a friend."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA

SCHEDULED, WAITING = "scheduled", "waiting"
DELIVERED, CANCELLED, RETURNED = "delivered", "cancelled", "returned"
GIFT_STATES = (SCHEDULED, WAITING, DELIVERED, CANCELLED, RETURNED)


class Gift(Base):
    """A voucher on its way to a friend. While it is, the voucher is the gift's own (its `customer_id`), inactive.

    phone, link   for a number (None once who had it is erased), or for whoever has the link (kept as HMAC)
    phone_index   only while somebody may still prove the number
    receiver_id   known as soon as somebody has the number
    amount_minor  what stood on a gift card when it was given; None for a coupon
    due_at        when to look after it next: it is to be delivered, or returned
    """

    __tablename__ = "gift"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(f"state IN ({', '.join(map(repr, GIFT_STATES))})", name="state"),
        CheckConstraint("(state IN ('scheduled', 'waiting')) = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(due_at IS NULL) = (ended_at IS NOT NULL)", name="due"),
        CheckConstraint("phone_index IS NULL OR ended_at IS NULL", name="waiting"),
        CheckConstraint(
            "receiver_id <> giver_id AND (state <> 'delivered' OR receiver_id IS NOT NULL)", name="receiver"
        ),
        CheckConstraint("phone IS NULL OR link IS NULL", name="way"),
        Index("uq_gift_voucher_id", "voucher_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index(None, "voucher_id"),
        Index(None, "giver_id", "id"),
        Index("ix_gift_receiver_id_id", "receiver_id", "id", postgresql_where=text("receiver_id IS NOT NULL")),
        Index("ix_gift_phone_index", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),
        Index("ix_gift_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.voucher.id"))
    giver_id: Mapped[UUID]
    receiver_id: Mapped[UUID | None]
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    link: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    message: Mapped[bytes | None] = mapped_column(LargeBinary)
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    deliver_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]

    @property
    def kind(self) -> str:
        return "coupon" if self.amount_minor is None else "gift_card"
