"""Refusals as rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class VoucherRefusal(Base):
    """A voucher that a till was refused.

    customer_id  whose use it would have been, where that is known
    code         of the condition that was not met; a till may have been told a more general one
    reason       {"conditions": [...], "rule": {...} or null} as in `rewards.redemption.reasons.Reason`
    """

    __tablename__ = "refusal"
    __table_args__ = (
        CheckConstraint("total_minor >= 0", name="total"),
        Index(None, "voucher_id", "id"),
        Index(None, "campaign_id", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    voucher_id: Mapped[UUID]
    campaign_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(Text)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    reason: Mapped[dict[str, Any]] = mapped_column(JSONB)
    refused_at: Mapped[datetime]
