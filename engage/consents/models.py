"""What customers allow, what they ever said, the words in which they were asked, and numbers that said STOP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

CHANNELS = ("push", "sms", "whatsapp", "email")
PURPOSES = ("transactional", "marketing")


_SCHEMA: dict[str, Any] = {"schema": "engage"}


def _what() -> tuple[CheckConstraint, CheckConstraint]:
    return (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
    )


class Consent(Base):
    """What a customer said last about one channel and purpose; their records keep what they said before."""

    __tablename__ = "consent"
    __table_args__ = (*_what(), _SCHEMA)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    is_granted: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    wording_id: Mapped[UUID | None] = mapped_column(ForeignKey("engage.wording.id"))


class Wording(Base):
    """The words in which customers are asked for one channel and purpose, written once."""

    __tablename__ = "wording"
    __table_args__ = (*_what(), Index(None, "channel", "purpose", "locale", "id"), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class ConsentRecord(Base):
    """One thing that a customer said, written once.

    seq       in which order they said it: drawn when nobody else is heard of the same choice
    evidence  what else shows it, never personal data
    """

    __tablename__ = "consent_record"
    __table_args__ = (*_what(), Index(None, "customer_id", "seq"), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    customer_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    is_granted: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    wording_id: Mapped[UUID | None] = mapped_column(ForeignKey("engage.wording.id"))
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    at: Mapped[datetime]


class OptOut(Base):
    """A number (by its blind index) that said STOP over a channel, whoever has it."""

    __tablename__ = "opt_out"
    __table_args__ = (CheckConstraint(one_of("channel", ("sms", "whatsapp")), name="channel"), _SCHEMA)

    address_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Text)
