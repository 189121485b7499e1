"""The tables of signing in within the app, and of numbers that change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class SignIn(Base):
    """One attempt to sign in, or to prove a number for something else. Its data key is its own: there may be no
    customer yet.

    handle       HMAC of the `auth_session` that the app holds
    purpose      a code of one is worth nothing for another
    method       what it began with
    otp          HMAC of the one-time code that was sent last, bound to this row
    challenge    the passkey's, or the nonce that Apple or Google has to repeat; used up when it is answered
    identity     who Apple or Google says it is, until a number is proved for it; sealed
    customer_id  for whom a number is proved, where that is known
    jkt          thumbprint of the DPoP key that every later step has to prove
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        UniqueConstraint("handle"),
        Index(None, "created_at"),
        Index(None, "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        CheckConstraint("state IN ('waiting', 'proved', 'failed')", name="state"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        CheckConstraint("purpose IN ('sign_in', 'web', 'number', 'recovery')", name="purpose"),
        CheckConstraint("method IN ('phone', 'passkey', 'apple', 'google')", name="method"),
        CheckConstraint("channel IN ('sms', 'whatsapp')", name="channel"),
        CheckConstraint("resent BETWEEN 0 AND 3", name="resent"),
        CheckConstraint("(otp IS NULL) = (sent_at IS NULL) AND (otp IS NULL OR phone IS NOT NULL)", name="sent"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[str] = mapped_column(Text, default="sign_in", server_default="sign_in")
    method: Mapped[str] = mapped_column(Text, default="phone", server_default="phone")
    client_id: Mapped[str | None] = mapped_column(ForeignKey("auth.client.client_id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    device_id: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    channel: Mapped[str] = mapped_column(Text, default="sms", server_default="sms")
    locale: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str | None] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, default="", server_default="")
    jkt: Mapped[bytes | None] = mapped_column(LargeBinary)
    challenge: Mapped[bytes | None] = mapped_column(LargeBinary)
    identity: Mapped[bytes | None] = mapped_column(LargeBinary)
    otp: Mapped[bytes | None] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime | None]
    resent: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    state: Mapped[str] = mapped_column(Text, default="waiting", server_default="waiting")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class NumberChange(Base):
    """A customer's new number, from when it was proved until it takes effect (or never does). The number is kept only
    that long.

    how  fresh: the customer asked; recovery: who lost the old one asked; staff: two people of staff did
    """

    __tablename__ = "number_change"
    __table_args__ = (
        Index("uq_number_change_open", "customer_id", unique=True, postgresql_where=text("ended IS NULL")),
        Index("ix_number_change_customer_id", "customer_id", "id"),
        Index(None, "takes_effect_at", postgresql_where=text("ended IS NULL")),
        CheckConstraint("how IN ('fresh', 'recovery', 'staff')", name="how"),
        CheckConstraint("ended IN ('done', 'cancelled', 'taken')", name="ended"),
        CheckConstraint("(ended IS NULL) = (ended_at IS NULL)", name="open"),
        CheckConstraint(
            "(ended IS NULL) = (phone IS NOT NULL) AND (ended IS NULL) = (phone_index IS NOT NULL)", name="phone"
        ),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    how: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    takes_effect_at: Mapped[datetime]
    ended: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
