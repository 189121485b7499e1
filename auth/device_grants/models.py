"""The table of device grants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from auth.models import Terminal
from auth.oauth.models import Client
from auth.sessions.models import LoginSession
from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}

WAITING, APPROVED, DENIED, SPENT = "waiting", "approved", "denied", "spent"


class DeviceGrant(Base):
    """What a device without a keyboard asks for, until a person says yes to the code that it shows (RFC 8628).

    device_code, user_code   HMACs; the first is the device's own, the second is shown
    public_key, jkt          PEM and thumbprint of the key that the device proved when it asked
    session_id, terminal_id  in whose session it was approved, or as which till it was enrolled
    interval_seconds         how long the device has to wait between two questions
    """

    __tablename__ = "device_grant"
    __table_args__ = (
        UniqueConstraint("device_code"),
        CheckConstraint("status IN ('waiting', 'approved', 'denied', 'spent')", name="status"),
        CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "(status IN ('approved', 'spent')) = (num_nonnulls(session_id, terminal_id) = 1)", name="granted"
        ),
        Index("uq_device_grant_user_code", "user_code", unique=True, postgresql_where=text("status = 'waiting'")),
        Index(None, "expires_at"),
        Index("ix_device_grant_session_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        Index("ix_device_grant_terminal_id", "terminal_id", postgresql_where=text("terminal_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_code: Mapped[bytes] = mapped_column(LargeBinary)
    user_code: Mapped[bytes] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(ForeignKey(Client.client_id))
    scope: Mapped[str] = mapped_column(Text, default="", server_default="")
    public_key: Mapped[str | None] = mapped_column(Text)
    jkt: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, default=WAITING, server_default=WAITING)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey(LoginSession.id))
    terminal_id: Mapped[UUID | None] = mapped_column(ForeignKey(Terminal.id))
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    interval_seconds: Mapped[int] = mapped_column(SmallInteger, default=5, server_default="5")
    polled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
