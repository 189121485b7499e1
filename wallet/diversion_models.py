"""The table of what refunds could not give back to its source."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from wallet.models import Account, TransferRow


class DivertedRefund(Base):
    """What of a refund went elsewhere, since the account that had given it was closed.

    account_id     the closed source; target_id: where it went instead
    is_lapsed      it went the way of what stood there when the wallet was closed, so nobody waits for it
    adjustment_id  by which two people of staff gave it to whom it belongs
    """

    __tablename__ = "diverted_refund"
    __table_args__ = (
        UniqueConstraint("adjustment_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL) = (adjustment_id IS NULL)"
            " AND NOT (is_lapsed AND settled_at IS NOT NULL)",
            name="settled",
        ),
        Index(None, "payment_id"),
        Index(
            "ix_diverted_refund_waiting",
            "refund_id",
            postgresql_where=text("NOT is_lapsed AND settled_at IS NULL"),
        ),
        {"schema": "wallet"},
    )

    refund_id: Mapped[UUID] = mapped_column(
        ForeignKey(TransferRow.id, deferrable=True, initially="DEFERRED"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    target_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey(TransferRow.id))
    customer_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    is_lapsed: Mapped[bool]
    diverted_at: Mapped[datetime]
    adjustment_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.approval.id"))
    settled_by: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
