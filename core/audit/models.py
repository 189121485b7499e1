"""The tables of the audit log. Both are written once: the database refuses to change or remove a row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.events.log import Xid8


class AuditEntry(Base):
    """One deed.

    epoch, xid  when it was committed, for who seals entries in order
    session_id  the sign-in that it was done in
    request_id  of the request, as the log of the servers has it
    origin      network and client; sealed under the acting person's data key
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "epoch", "xid"),
        Index("ix_audit_entry_target", "target", "id"),
        Index("ix_audit_entry_actor", "actor", "id"),
        Index("ix_audit_entry_action", "action", "id"),
        {"schema": "core"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    change: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    epoch: Mapped[int] = mapped_column(server_default=FetchedValue())
    xid: Mapped[str] = mapped_column(Xid8, server_default=FetchedValue())
    session_id: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditSeal(Base):
    """What was committed from (epoch, from_xid) up to (epoch, to_xid), and the hash of all of that and all before."""

    __tablename__ = "audit_seal"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("length(hash) = 32", name="hash"),
        {"schema": "core"},
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    from_xid: Mapped[str] = mapped_column(Xid8)
    to_xid: Mapped[str] = mapped_column(Xid8)
    entries: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
