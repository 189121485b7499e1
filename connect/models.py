from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class ExternalIdentity(Base):
    """Another system's id of one of our customers. Only its HMAC is kept: many shops use e-mail addresses as ids."""

    __tablename__ = "external_identity"
    __table_args__ = (Index("ix_external_identity_customer_id", "customer_id"), {"schema": "connect"})

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    external_id_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    created_at: Mapped[datetime]


class WriteKey(Base):
    """Who may post to the ingest door. Only the key's HMAC is kept: it was shown once, when it was made.

    trust  "client": it lies in an app or a page that anyone can take apart; "server": only the brand's own servers
           hold it, so what they say of telephone numbers and e-mail addresses tells who somebody is
    """

    __tablename__ = "write_key"
    __table_args__ = (
        UniqueConstraint("key_index"),
        CheckConstraint("trust IN ('client', 'server')", name="trust"),
        CheckConstraint("status IN ('active', 'revoked')", name="status"),
        CheckConstraint("(status = 'revoked') = (revoked_at IS NOT NULL)", name="revoked"),
        {"schema": "connect"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    key_index: Mapped[bytes] = mapped_column(LargeBinary)
    trust: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]
