"""What the sandbox adapters were given, kept so that a developer can read it instead of a telephone."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, ids
from core.db import Base, transaction


class SandboxMessage(Base):
    """One message as a provider would have had it: plain, since the sandbox plays the provider.

    recipient  a phone number, an e-mail address or a device token
    content    message_id, body, and what else the channel has
    """

    __tablename__ = "sandbox_message"
    __table_args__ = ({"schema": "core"},)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    recipient: Mapped[str]
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    @property
    def message_id(self) -> UUID:
        """Its id everywhere else: in receipts, in events, in the lists of messages."""
        return UUID(self.content["message_id"]) if "message_id" in self.content else self.id

    @classmethod
    def of(cls, channel: str, recipient: str, content: dict[str, Any]) -> "SandboxMessage":
        return cls(id=ids.new(), channel=channel, recipient=recipient, content=content, created_at=clock.now())


Keep = Callable[[SandboxMessage], None]


def keep_in_database(message: SandboxMessage) -> None:
    """Commit it in a transaction of its own, as a provider's acceptance would stand whatever becomes of the sender."""
    with transaction() as session:
        session.add(message)


def kept(session: Session, *, recipient: str | None = None, limit: int = 50) -> Sequence[SandboxMessage]:
    """The latest first, for one recipient or for all."""
    query = select(SandboxMessage).order_by(SandboxMessage.id.desc()).limit(limit)
    if recipient is not None:
        query = query.where(SandboxMessage.recipient == recipient)
    return session.scalars(query).all()
