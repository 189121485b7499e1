"""A message's way forward. It never goes back: a late or repeated word about it changes nothing.

Each function takes a row that its caller has locked, says whether it moved, and announces the step.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.delivery.events import MessageDelivered, MessageFailed, MessageInDoubt, MessageSent
from core.delivery.models import TO_ANYBODY, Message
from core.events.announce import MAX_DEPTH

#: When a message in doubt is looked up first, where its provider can be asked; a receipt mostly comes before. Of a push
#: or an e-mail only the app or the reader can tell, within a day.
_FIRST_LOOK = {"sms": timedelta(seconds=60), "whatsapp": timedelta(seconds=60)}
_LAST_WORD = timedelta(hours=24)

_RANK = {
    "pending": 0,
    "claimed": 0,
    "sending": 0,
    "in_doubt": 1,
    "sent": 2,
    "delivered": 3,
    "failed": 3,
    "suppressed": 3,
}


def looked_up_at(channel: str, now: datetime) -> datetime:
    """When a message that is put in doubt now is looked at again."""
    return now + _FIRST_LOOK.get(channel, _LAST_WORD)


class Told(Protocol):
    """What a message is told by: its row, or what was read of it."""

    @property
    def id(self) -> UUID: ...
    @property
    def customer_id(self) -> UUID: ...
    @property
    def channel(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def address_id(self) -> UUID | None: ...
    @property
    def reference(self) -> UUID | None: ...
    @property
    def caused_by(self) -> UUID | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def trace(self) -> str | None: ...


def lock(session: Session, message_id: UUID) -> Message | None:
    """The message, locked for this transaction; None when there is none."""
    return session.scalars(select(Message).where(Message.id == message_id).with_for_update()).one_or_none()


def mark_sent(session: Session, message: Message, *, provider_message_id: str | None, now: datetime) -> bool:
    """The provider has it. From any earlier state, pending included: whoever has it was given it."""
    if message.provider_message_id is None:
        message.provider_message_id = provider_message_id
    if not _move(message, "sent"):
        return False
    message.sent_at, message.last_error = now, None

    told = MessageSent(provider=message.provider or "", country=message.country, **facts(message, now=now))
    events.announce(session, told)
    return True


def mark_delivered(session: Session, message: Message, *, provider_message_id: str | None, now: datetime) -> bool:
    """It reached the device, so it was sent, even where that word was lost."""
    mark_sent(session, message, provider_message_id=provider_message_id, now=now)
    if not _move(message, "delivered"):
        return False
    message.delivered_at = now

    events.announce(session, MessageDelivered(**facts(message, now=now)))
    return True


def mark_failed(
    session: Session, message: Message, *, reason: str, is_address_dead: bool = False, now: datetime
) -> bool:
    """It will not arrive; `reason` is a code, never a provider's free text."""
    if not _move(message, "failed"):
        return False
    message.last_error = reason

    told = facts(message, now=now)
    events.announce(session, MessageFailed(reason=reason, is_address_dead=is_address_dead, **told))
    return True


def mark_in_doubt(session: Session, message: Message, *, reason: str, now: datetime) -> bool:
    """Nobody can tell whether it was taken. It is never blindly sent again: see `core.delivery.reconciling`."""
    if not _move(message, "in_doubt"):
        return False
    message.last_error, message.due_at = reason, looked_up_at(message.channel, now)

    events.announce(session, MessageInDoubt(reason=reason, **facts(message, now=now)))
    return True


def _move(message: Message, state: str) -> bool:
    if _RANK[state] <= _RANK[message.state]:
        return False
    message.state = state
    message.lease_token = message.lease_until = None
    return True


def facts(message: Told, *, now: datetime) -> dict[str, Any]:
    """What every event about a message tells."""
    return {
        "customer_id": None if message.purpose in TO_ANYBODY else message.customer_id,
        "occurred_at": now,
        "caused_by": message.caused_by,
        # Capped rather than refused: what happened to a message must be recorded, however long the chain before it.
        "depth": min(message.depth + 1, MAX_DEPTH),
        "trace": message.trace,
        "message_id": message.id,
        "channel": message.channel,
        "purpose": message.purpose,
        "address_id": message.address_id,
        "reference": message.reference,
    }
