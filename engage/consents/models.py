"""What customers allow."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

CHANNELS = ("push", "sms", "whatsapp", "email")
PURPOSES = ("transactional", "marketing")


class Consent(Base):
    """What a customer said last about one channel and purpose; the log keeps what they said before."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
        {"schema": "engage"},
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    is_granted: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    wording_id: Mapped[UUID | None]
