"""Identity checks: what was asked of the provider, and its word. No personal data but what is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.work import Due

#: No verdict yet: "pending" until the provider has it, "waiting" for its word from then on.
OPEN = ("pending", "waiting")
STATES = (*OPEN, "approved", "rejected", "refused", "expired")


class IdentityCheck(Due, Base):
    """One check of a customer's identity: kept before the provider is asked.

    state     "refused": the provider did not take it; "expired": it never gave its word
    document  the provider's token for a document, sealed; kept until the provider has it
    handover  what the app opens the provider's screens with, sealed; kept until the verdict
    reasons   the provider's codes of a rejection or refusal
    """

    __tablename__ = "identity_check"
    __table_args__ = (
        UniqueConstraint("principal", "key"),
        UniqueConstraint("provider", "provider_reference"),
        CheckConstraint("state IN ('pending', 'waiting', 'approved', 'rejected', 'refused', 'expired')", name="state"),
        CheckConstraint("(state IN ('approved', 'rejected')) = (decided_at IS NOT NULL)", name="decided"),
        Index("ix_identity_check_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(None, "customer_id", "id"),
        Index(None, "state", "id"),
        Index(
            "uq_identity_check_open",
            "customer_id",
            unique=True,
            postgresql_where=text("state IN ('pending', 'waiting')"),
        ),
        {"schema": "wallet"},
    )

    principal: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[UUID]
    provider: Mapped[str] = mapped_column(Text)
    provider_reference: Mapped[str | None] = mapped_column(Text)
    document: Mapped[bytes | None] = mapped_column(LargeBinary)
    handover: Mapped[bytes | None] = mapped_column(LargeBinary)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
