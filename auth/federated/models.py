"""The tables of identities at Apple and Google, and of what Apple has to be asked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

_SCHEMA: dict[str, Any] = {"schema": "auth"}

APPLE, GOOGLE = "apple", "google"
PROVIDERS = (APPLE, GOOGLE)

EXCHANGE, REVOKE = "exchange", "revoke"
WAITING, CALLING, FAILED = "waiting", "calling", "failed"


class Identity(Base):
    """A customer as Apple or Google knows them.

    client_id      of ours at the provider, which the identity was first proved to
    subject_index  HMAC of issuer and subject
    email          what the provider said, sealed; nobody is known by it
    grant_token    Apple's refresh token, sealed: with it Apple is told when the link ends
    """

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("subject_index"),
        UniqueConstraint("customer_id", "provider"),
        CheckConstraint(one_of("provider", PROVIDERS), name="provider"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    provider: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    subject_index: Mapped[bytes] = mapped_column(LargeBinary)
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    grant_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    linked_at: Mapped[datetime]
    used_at: Mapped[datetime]


class ProviderCall(Due, Base):
    """What Apple has to be asked: for the token of an authorization code, or to revoke a token.

    secret  the code or the token, sealed under the row's own data key: it outlives the customer's. Both go with the row
    """

    __tablename__ = "provider_call"
    __table_args__ = (
        CheckConstraint(one_of("kind", (EXCHANGE, REVOKE)), name="kind"),
        CheckConstraint(one_of("state", (WAITING, CALLING, FAILED)), name="state"),
        CheckConstraint("(state = 'calling') = (lease_token IS NOT NULL)", name="lease"),
        CheckConstraint("(kind = 'exchange') = (identity_id IS NOT NULL)", name="identity"),
        Index("ix_provider_call_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_provider_call_leased", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        _SCHEMA,
    )

    kind: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    identity_id: Mapped[UUID | None]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
