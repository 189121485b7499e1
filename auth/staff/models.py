"""The tables of how staff join and sign in. Persons themselves stand in auth.models."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class StaffInvitation(Base):
    """A link that lets one person make a means to sign in, once.

    purpose  join: their first one; recover: another one, after a recovery code
    token    HMAC of what the link holds
    """

    __tablename__ = "staff_invitation"
    __table_args__ = (
        Unique("token"),
        CheckConstraint("purpose IN ('join', 'recover')", name="purpose"),
        Index("ix_staff_invitation_staff_id", "staff_id", postgresql_where=text("used_at IS NULL")),
        Index(None, "expires_at"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("auth.staff.id"))
    purpose: Mapped[str] = mapped_column(Text)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffTotp(Base):
    """The authenticator of a person. Steps up to `burnt_step` are spent.

    secret     sealed under the person's data key
    proved_at  when its first code was shown to us; until then it signs nobody in
    """

    __tablename__ = "staff_totp"
    __table_args__ = (_SCHEMA,)

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("auth.staff.id"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    burnt_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    proved_at: Mapped[datetime | None]


class StaffRecoveryCode(Base):
    """One of the ten codes that let somebody in who has lost everything else; `code` is its HMAC."""

    __tablename__ = "staff_recovery_code"
    __table_args__ = (_SCHEMA,)

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("auth.staff.id"), primary_key=True)
    code: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None]


class StaffSignIn(Base):
    """Somebody who typed an address and was mailed a code; staff_id is NULL where nobody has that address.

    handle  HMAC of what the page holds
    code    HMAC of what was mailed
    """

    __tablename__ = "staff_sign_in"
    __table_args__ = (
        Unique("handle"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
        Index(None, "expires_at"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[bytes] = mapped_column(LargeBinary)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.staff.id"))
    code: Mapped[bytes] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
