"""The table of sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class LoginSession(Base):
    """One sign-in of a customer or of staff, in a browser or an app. Its id is the `sid` of what hangs from it.

    handle       HMAC of the cookie (web) or of the device_secret (app)
    agent, place the browser or app, and the network it came from; sealed under the owner's data key
    """

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("handle"),
        CheckConstraint("kind IN ('app', 'web')", name="kind"),
        CheckConstraint("(customer_id IS NULL) <> (staff_id IS NULL)", name="owner"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended"),
        Index("ix_session_customer_id", "customer_id", "id", postgresql_where=text("ended_at IS NULL")),
        Index(
            "ix_session_staff_id",
            "staff_id",
            postgresql_where=text("staff_id IS NOT NULL AND ended_at IS NULL"),
        ),
        Index(None, "expires_at"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.staff.id"))
    kind: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(ForeignKey("auth.client.client_id"))
    handle: Mapped[bytes | None] = mapped_column(LargeBinary)
    auth_time: Mapped[datetime]
    acr: Mapped[str] = mapped_column(Text)
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    device_id: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[bytes | None] = mapped_column(LargeBinary)
    place: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(Text)
