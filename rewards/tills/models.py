"""The tables of tills."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
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


class Sandbox(Base):
    """An integrator's merchant, whose money and people are none.

    own_terminal_id  where the sandbox acts itself, in another store than the integrator's terminal
    customers        their ids by name; campaigns: theirs by name
    """

    __tablename__ = "sandbox"
    __table_args__ = {"schema": SCHEMA}

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("auth.merchant.id"), primary_key=True)
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    own_terminal_id: Mapped[UUID]
    customers: Mapped[dict[str, Any]]
    campaigns: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
