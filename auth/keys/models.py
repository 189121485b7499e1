"""The table of the keys that tokens are signed with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

_SCHEMA: dict[str, Any] = {"schema": "auth"}

NEXT, CURRENT, RETIRED = "next", "current", "retired"


class SigningKey(Base):
    """A key in one of its three lives: published ahead, signing, believed for a while longer.

    public   as a JWK
    private  sealed under the row's own data key; None for the key of the setting
    """

    __tablename__ = "signing_key"
    __table_args__ = (
        UniqueConstraint("kid"),
        CheckConstraint(one_of("alg", ("ES256", "RS256")), name="alg"),
        CheckConstraint(one_of("status", (NEXT, CURRENT, RETIRED)), name="status"),
        CheckConstraint("(status = 'next') = (current_from IS NULL)", name="current"),
        CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired"),
        Index("uq_signing_key_current", "alg", unique=True, postgresql_where=text("status = 'current'")),
        Index("uq_signing_key_next", "alg", unique=True, postgresql_where=text("status = 'next'")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(Text)
    alg: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    public: Mapped[dict[str, Any]]
    private: Mapped[bytes | None] = mapped_column(LargeBinary)
    published_at: Mapped[datetime]
    current_from: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
