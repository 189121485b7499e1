"""The tables of signing in with a browser: requests that wait for somebody, partners let in, partners to be told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

_SCHEMA: dict[str, Any] = {"schema": "auth"}

KINDS = ("pushed", "page")
STATES = ("waiting", "calling", "done", "failed")


class AuthorizationRequest(Base):
    """What a client asks of a browser's owner, while they sign in or think about it; or before that, pushed to us.

    handle       HMAC of what the browser, or the client, names it by
    parameters   as the client sent them; sealed under the row's own data key: `state` may hold anything
    progress     where its pages stand (which code was texted, what a passkey has to sign); sealed likewise
    browser      HMAC of the flow cookie of the browser that it belongs to
    session_id, signed_in_at   who signed in for it, if they had to
    """

    __tablename__ = "authorization_request"
    __table_args__ = (
        UniqueConstraint("handle"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("(kind = 'page') = (browser IS NOT NULL)", name="browser"),
        Index(None, "expires_at"),
        Index(None, "session_id", postgresql_where=text("session_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    parameters: Mapped[bytes] = mapped_column(LargeBinary)
    progress: Mapped[bytes | None] = mapped_column(LargeBinary)
    browser: Mapped[bytes | None] = mapped_column(LargeBinary)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.session.id", ondelete="CASCADE"))
    signed_in_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ClientGrant(Base):
    """What a customer lets a partner have."""

    __tablename__ = "client_grant"
    __table_args__ = (_SCHEMA,)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"), primary_key=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    granted_at: Mapped[datetime]


class LogoutNotice(Due, Base):
    """A client that has to hear that a sign-in is over: one for each of its token families.

    session_id, family_id  the `sid` that our own clients know, and the one that partners do
    subject                the customer as that client knows them (pairwise)
    """

    __tablename__ = "logout_notice"
    __table_args__ = (
        UniqueConstraint("family_id"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("(state = 'calling') = (lease_token IS NOT NULL)", name="lease"),
        Index("ix_logout_notice_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_logout_notice_leased", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        _SCHEMA,
    )

    session_id: Mapped[UUID]
    family_id: Mapped[UUID]
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    subject: Mapped[str] = mapped_column(Text)
