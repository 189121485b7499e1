"""A message on its way to one address of one customer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

CHANNELS = ("push", "sms", "whatsapp", "email")
# In the order in which they leave.
PURPOSES = ("sign_in", "transactional", "invitation", "staff", "marketing")
# They go to numbers that may be nobody's yet: their owner is what they are about (an attempt to sign in, money that
# waits to be claimed), so no event says that a customer was written to.
TO_ANYBODY = frozenset({"sign_in", "invitation", "staff"})

# pending -> claimed -> sending -> sent -> delivered; the other ends are failed, in_doubt and suppressed.
# A worker that dies with a claimed row never called anyone, so the row is taken again; one that dies with a sending
# row may have, so the row is in doubt.
STATES = ("pending", "claimed", "sending", "sent", "delivered", "failed", "in_doubt", "suppressed")


class Message(Due, Base):
    """One message to one address.

    customer_id  whose data key seals recipient and content (an attempt to sign in has one, too)
    address_id   the caller's own id of the address (a device), handed back in the events
    recipient    ciphertext of a phone number, e-mail address or device token
    expires_at   from when on it is not sent any more (a code that has run out)
    content      ciphertext of the JSON that `core.delivery.channels` describes
    caused_by, depth, trace  the chain of events that led here, continued by this message's own
    reference    the author's own id (a step run, a broadcast's send), told in every event about the message
    gate         what the author's gate is asked with right before it leaves; its author's own words
    refused_by   routes that surely did not take it: no other outcome ever stands here
    due_at       of one in doubt: when it is looked up next
    called_at    when the call began whose outcome counts
    settled_by   what told how one in doubt ended: receipt, list, app, operator
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("state <> 'pending' OR due_at IS NOT NULL", name="due"),
        CheckConstraint(
            "(state IN ('claimed', 'sending')) = (lease_token IS NOT NULL)"
            " AND (lease_token IS NULL) = (lease_until IS NULL)",
            name="lease",
        ),
        Index("ix_message_due", "channel", "purpose", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_message_leased", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        Index("ix_message_in_doubt", "due_at", "id", postgresql_where=text("state = 'in_doubt'")),
        Index("ix_message_customer", "customer_id", "id"),
        Index(
            "ix_message_provider_message_id",
            "provider_message_id",
            postgresql_where=text("channel IN ('sms', 'whatsapp')"),
        ),
        {"schema": "core", "postgresql_partition_by": "RANGE (id)"},
    )

    customer_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    address_id: Mapped[UUID | None]
    recipient: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    provider: Mapped[str | None] = mapped_column(Text)
    provider_message_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    caused_by: Mapped[UUID | None]
    depth: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    trace: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[UUID | None]
    gate: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    refused_by: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'::text[]"))
    country: Mapped[str | None] = mapped_column(Text)
    called_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(Text)


class ProviderState(Base):
    """How one route is doing: its failures in a row and until when nothing is given to it ("sms:twilio"), and how much
    its provider's rate lets, over all channels ("twilio").

    tokens  messages that it may be given at once, as of `filled_at`
    """

    __tablename__ = "provider_state"
    __table_args__ = {"schema": "core"}

    route: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    closed_until: Mapped[datetime | None]
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime]
