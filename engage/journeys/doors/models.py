"""Doors into journeys from outside the app, and who asked to come in by one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

KINDS = ("link", "poster", "keyword", "partner")
STATUSES = ("open", "closed")


class EntryDoor(Base):
    """A way into journeys: a link or poster that somebody opens, a word sent by SMS, or a partner's server.

    word    what customers send, of a keyword
    source  of a partner: whose write keys report by it, and nobody else's
    """

    __tablename__ = "entry_door"
    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("word"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("(kind = 'keyword') = (word IS NOT NULL)", name="word"),
        CheckConstraint("(kind = 'partner') = (source IS NOT NULL)", name="source"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("ends_at > starts_at", name="time"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    word: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class EntryRequest(Base):
    """One who came to a door: a customer, or a number that has not signed up yet, found by its blind index.

    reference   names the request for its door, for ever: who asks again lets nobody in again
    by_number   whether a number was named, be it a customer's
    is_checked  whether it was looked, after the request was there to see, if the number is a customer's: from then on
                a sign-up finds it
    """

    __tablename__ = "entry_request"
    __table_args__ = (
        UniqueConstraint("door_id", "reference"),
        CheckConstraint("(customer_id IS NULL) <> (phone_index IS NULL)", name="somebody"),
        CheckConstraint("(customer_id IS NULL) = (used_at IS NULL)", name="used"),
        Index("ix_entry_request_phone_index", "phone_index", postgresql_where=text("used_at IS NULL")),
        Index(
            "ix_entry_request_customer_id", "customer_id", "door_id", postgresql_where=text("customer_id IS NOT NULL")
        ),
        Index("ix_entry_request_unchecked", "id", postgresql_where=text("used_at IS NULL AND NOT is_checked")),
        Index("ix_entry_request_expires_at", "expires_at", postgresql_where=text("used_at IS NULL")),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    door_id: Mapped[UUID] = mapped_column(ForeignKey("engage.entry_door.id"))
    customer_id: Mapped[UUID | None]
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    by_number: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_checked: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reference: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
