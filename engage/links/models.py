"""The short links of messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of

URL, VOUCHER, PREFERENCES, OPEN = KINDS = ("url", "voucher", "preferences", "open")


class TrackedLink(Base):
    """One customer's link in one message.

    reference  what the message was for: a step run, a broadcast's send
    kind       url: to `target`; voucher: shows the voucher whose id `target` is; preferences: to what the customer
               allows, or to one click that takes the consent of the channel `target` back; open: tells opening
    clicks     how often it was followed, as far as we can tell by people
    """

    __tablename__ = "tracked_link"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("clicks >= 0", name="clicks"),
        CheckConstraint("kind IN ('preferences', 'open') OR target IS NOT NULL", name="target"),
        CheckConstraint("(clicks = 0) = (first_clicked_at IS NULL)", name="clicked"),
        Index(None, "expires_at"),
        {"schema": "engage"},
    )

    code: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    customer_id: Mapped[UUID]
    reference: Mapped[UUID]
    message_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    target: Mapped[str | None] = mapped_column(Text)
    clicks: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    first_clicked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
