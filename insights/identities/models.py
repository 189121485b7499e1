"""Claims to subjects, the links that came of them, and what was undone. No foreign keys, as for profiles."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

#: How it is known that a subject is a customer, the strongest first: a member of staff said so, an installation of the
#: app that was signed in, a server that knows the telephone number, the proved e-mail address or our own id, and last
#: a client, which lies in an app that anyone can take apart.
EVIDENCE = ("staff", "device", "phone", "email", "server", "client")

#: Whose word each of them is: a person's of the brand, its app's, its servers', a client's. Only words as good as the
#: best make a shared device: whoever has the key out of an app could say anything of anybody's.
WORDS = (0, 1, 2, 2, 2, 3)


def _evidence_check() -> CheckConstraint:
    return CheckConstraint("evidence IN ('staff', 'device', 'phone', 'email', 'server', 'client')", name="evidence")


class SubjectClaim(Base):
    """The best evidence that was ever given for a subject's being a customer."""

    __tablename__ = "subject_claim"
    __table_args__ = (_evidence_check(), {"schema": "insights"})

    subject_id: Mapped[str] = mapped_column(Text, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    evidence: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    event_id: Mapped[UUID]


class KeptApart(Base):
    """A subject that a customer is not, whatever is said from now on."""

    __tablename__ = "kept_apart"
    __table_args__ = {"schema": "insights"}

    subject_id: Mapped[str] = mapped_column(Text, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Link(Base):
    """From when to when a subject counted as a customer.

    undone_by  "staff:<id>", or what came between: "a better claim", "shared"
    """

    __tablename__ = "link"
    __table_args__ = (
        _evidence_check(),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone"),
        Index("uq_link_subject_id", "subject_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("ix_link_customer_id", "customer_id", "id"),
        {"schema": "insights"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID]
    evidence: Mapped[str] = mapped_column(Text)
    event_id: Mapped[UUID]
    made_at: Mapped[datetime]
    undo_until: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(Text)
