"""The items of the app's inbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class InboxItem(Base):
    """A message as the app's inbox shows it.

    content     ciphertext of {"title", "body"}, and of image, deep_link and actions where it has them
    reference   what the message was for: a step run, a broadcast's send; since there are any, the item's id as well
    expires_at  from when on it is of no use
    shown_from  when its message is to leave: before then nobody sees it
    """

    __tablename__ = "inbox_item"
    __table_args__ = (
        Index("ix_inbox_item_customer_id", "customer_id", "shown_from", "id"),
        Index("ix_inbox_item_unread", "customer_id", postgresql_where=text("read_at IS NULL")),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    voucher_id: Mapped[UUID | None]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    reference: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    shown_from: Mapped[datetime]
