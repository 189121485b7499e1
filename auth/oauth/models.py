"""The tables of OAuth. Codes and tokens stand here only as HMAC; a row tells nothing that signs anyone in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Client(Base):
    """An app that may sign customers in. All are public clients: they have no secret, so PKCE is what binds a code."""

    __tablename__ = "client"
    __table_args__ = (_SCHEMA,)

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class AuthorizationCode(Base):
    """A code that was proved for, redeemed once for a family of tokens."""

    __tablename__ = "authorization_code"
    __table_args__ = (Index(None, "expires_at"), Index(None, "family_id"), _SCHEMA)

    code: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    code_challenge: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    family_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.token_family.id"))


class TokenFamily(Base):
    """Every refresh token that came of one sign-in; revoked as one."""

    __tablename__ = "token_family"
    __table_args__ = (
        Index(None, "customer_id"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="revoked"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    generation: Mapped[int] = mapped_column(default=0, server_default="0")
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None] = mapped_column(Text)


class RefreshToken(Base):
    """One refresh token, by its HMAC. The family's newest generation is the one that may rotate."""

    __tablename__ = "refresh_token"
    __table_args__ = (UniqueConstraint("family_id", "generation"), _SCHEMA)

    token: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("auth.token_family.id", ondelete="CASCADE"))
    generation: Mapped[int]
