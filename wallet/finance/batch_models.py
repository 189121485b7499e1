"""The table of batches. Their lines are transfers, posted or declined."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

RUNNING, ENDED, REFUSED = "running", "ended", "refused"


class TransferBatch(Base):
    """A batch of transfers, once for each key of its principal.

    status   running until each line has its answer; refused where all or nothing came to nothing: `refusal` says why
    """

    __tablename__ = "transfer_batch"
    __table_args__ = (
        UniqueConstraint("principal", "key"),
        UniqueConstraint("approval_id"),
        CheckConstraint("mode IN ('all_or_nothing', 'each')", name="mode"),
        CheckConstraint("status IN ('running', 'ended', 'refused')", name="status"),
        CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(status = 'refused') = (refusal IS NOT NULL)", name="refusal"),
        CheckConstraint("posted_count + refused_count <= line_count", name="counts"),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    mode: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="running")
    line_count: Mapped[int]
    posted_count: Mapped[int] = mapped_column(server_default="0")
    refused_count: Mapped[int] = mapped_column(server_default="0")
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.approval.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def lines_principal(self) -> str:
        """Under whose name its lines are posted: nobody's own, so that no key of theirs can be in the way."""
        return f"batch:{self.id}"
