from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
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
