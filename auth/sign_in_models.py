"""The tables of signing in. Codes and tokens stand here only as HMAC; a row tells nothing that signs anyone in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Client(Base):
    """An app that may sign customers in. All are public clients: they have no secret, so PKCE is what binds a code."""

    __tablename__ = "client"
    __table_args__ = (_SCHEMA,)

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


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


class LimitCounter(Base):
    """How often something was asked for in one window of time, by HMAC of who asked (a number, an address)."""

    __tablename__ = "limit_counter"
    __table_args__ = (Index(None, "ends_at"), _SCHEMA)

    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


class EmailProof(Base):
    """An e-mail address that a customer says is theirs, until they send the code that was written to it.

    email  sealed under the customer's data key
    code   HMAC of the one-time code, bound to customer and address
    """

    __tablename__ = "email_proof"
    __table_args__ = (Index(None, "expires_at"), CheckConstraint("attempts BETWEEN 0 AND 5", name="attempts"), _SCHEMA)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"), primary_key=True)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    code: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    expires_at: Mapped[datetime]
