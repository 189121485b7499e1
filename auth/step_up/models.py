"""The table of approvals that customers give with a passkey."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

WAITING, APPROVED, USED, VOID = "waiting", "approved", "used", "void"
PURPOSES = ("payment", "sending", "gift_card", "money_request")

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class StepUp(Base):
    """What a customer is about to pay, and their fresh word for exactly that.

    family_id     of the sign-in that asked: only it may prove
    payment_id    what the payment will be called
    payee         as `binding` spells it: "merchant:<id>", "phone:<hex of its blind index>"
    nonce         of the challenge
    tries         wrong proofs; the fifth voids it
    """

    __tablename__ = "step_up"
    __table_args__ = (
        UniqueConstraint("payment_id"),
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("status IN ('waiting', 'approved', 'used', 'void')", name="status"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        CheckConstraint("(status = 'used') = (used_at IS NOT NULL)", name="used"),
        CheckConstraint("status NOT IN ('approved', 'used') OR approved_at IS NOT NULL", name="approved"),
        Index(None, "expires_at"),
        Index(None, "customer_id"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    family_id: Mapped[UUID | None]
    payment_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    payee: Mapped[str] = mapped_column(Text)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    passkey_id: Mapped[UUID | None]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
