"""Servers that journeys call, and the calls."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

STATUSES = ("active", "closed")
STATES = ("waiting", "calling", "done", "failed")


class WebhookTarget(Base):
    """A server that journeys may call.

    url, secret  ciphertext; an address may hold a token of the other side's
    failures     calls in a row that it could not take; rests_until: none is made before, as they were too many
    called_at    when it had its last turn; lease_until, lease_token: of the worker that makes its calls
    """

    __tablename__ = "webhook_target"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("failures >= 0", name="failures"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    url: Mapped[bytes] = mapped_column(LargeBinary)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    rests_until: Mapped[datetime | None]
    called_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[UUID | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class WebhookCall(Due, Base):
    """One call of one step of one walk. status_code: what the server answered last"""

    __tablename__ = "webhook_call"
    __table_args__ = (
        UniqueConstraint("step_run_id"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("state <> 'waiting' OR due_at IS NOT NULL", name="due"),
        CheckConstraint("(state = 'calling') = (lease_token IS NOT NULL)", name="lease"),
        Index("ix_webhook_call_due", "target_id", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_webhook_call_made_at", "made_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_webhook_call_leased", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        Index("ix_webhook_call_target_id", "target_id", "id"),
        {"schema": "engage"},
    )

    target_id: Mapped[UUID] = mapped_column(ForeignKey("engage.webhook_target.id"))
    step_run_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    body: Mapped[dict[str, Any]]
    status_code: Mapped[int | None] = mapped_column(Integer)
    made_at: Mapped[datetime]
