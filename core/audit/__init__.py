"""The audit log: who did what, to what, and what changed. Written in the same transaction as the deed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, Session, mapped_column

from core import ids
from core.db import Base


class AuditEntry(Base):
    __tablename__ = "audit_entry"
    __table_args__ = {"schema": "core"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    change: Mapped[dict[str, Any]]
    at: Mapped[datetime]


def record(session: Session, *, actor: str, action: str, target: str, change: dict[str, Any], now: datetime) -> None:
    """Keep one deed. `actor` is a principal ("staff:<id>", "operator"), `change` holds no personal data."""
    session.add(AuditEntry(id=ids.new(), actor=actor, action=action, target=target, change=change, at=now))
