"""The table of sign-ins by phone number."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class SignIn(Base):
    """One attempt to sign in with a phone number. Its data key is its own: there may be no customer yet.

    handle   HMAC of the `auth_session` that the app holds
    otp      HMAC of the one-time code, bound to this row
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        UniqueConstraint("handle"),
        Index(None, "created_at"),
        CheckConstraint("state IN ('waiting', 'proved', 'failed')", name="state"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[bytes] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    phone: Mapped[bytes] = mapped_column(LargeBinary)
    locale: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(Text)
    otp: Mapped[bytes] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    state: Mapped[str] = mapped_column(Text, default="waiting", server_default="waiting")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
