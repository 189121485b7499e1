"""The tables of incoming messages: when a customer last wrote, and what came in already."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

CHANNELS = ("sms", "whatsapp")

_SCHEMA: dict[str, Any] = {"schema": "engage"}


class IncomingWindow(Base):
    """When a customer last wrote over a channel: for 24 hours WhatsApp takes free text to them."""

    __tablename__ = "incoming_window"
    __table_args__ = (CheckConstraint(one_of("channel", CHANNELS), name="channel"), _SCHEMA)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    last_at: Mapped[datetime]


class IncomingReceipt(Base):
    """A message that a provider brought, so that it counts once however often it is brought."""

    __tablename__ = "incoming_receipt"
    __table_args__ = (Index(None, "received_at"), _SCHEMA)

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    provider_message_id: Mapped[str] = mapped_column(Text, primary_key=True)
    received_at: Mapped[datetime]
