"""The tables of tills."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class TerminalSignature(Base):
    """Evidence that a terminal asked for a deed: what it signed, and with which of its keys.

    request_key  the deed's Idempotency-Key, as `redemption.request_key`; empty where it has none
    """

    __tablename__ = "terminal_signature"
    __table_args__ = (Index(None, "terminal_id", "request_key"), {"schema": SCHEMA})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    request_key: Mapped[str] = mapped_column(Text)
    signed_text: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    key_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    verified_at: Mapped[datetime]
