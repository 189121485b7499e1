"""What providers tell later: a receipt moves a message only forward, and a repeated one changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.delivery import progress
from core.delivery.models import Message
from core.errors import NotFound

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values, read 2026-11. Queued and the like
# mean that Twilio has it, which settles a message in doubt.
_TWILIO = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One word about a message. state: sent, delivered or failed."""

    provider: str
    provider_message_id: str
    state: str
    code: str = ""


def of_twilio(*, sid: str, status: str, error_code: str) -> Receipt | None:
    """Twilio's call-back as a receipt; None for a status that tells nothing."""
    state = _TWILIO.get(status)
    if state is None:
        return None
    code = f"twilio_{error_code}" if error_code else f"twilio_{status}"
    return Receipt(provider="twilio", provider_message_id=sid, state=state, code=code)


def take(session: Session, *, message_id: UUID, receipt: Receipt, now: datetime) -> bool:
    """Move the message on by one receipt; False when it tells nothing new.

    raises   NotFound when there is no such message
    effects  locks the message; announces what is new; settles a message in doubt
    """
    message = progress.lock(session, message_id)
    if message is None:
        raise NotFound
    return apply(session, message, receipt, by="receipt", now=now)


def apply(session: Session, message: Message, receipt: Receipt, *, by: str, now: datetime) -> bool:
    """`take` for a message that is locked already. by: what told it, kept where it settles one in doubt"""
    if not _is_about(message, receipt):
        return False
    was_in_doubt = message.state == "in_doubt"
    moved = _move_on(session, message, receipt, now=now)
    if moved and was_in_doubt:
        message.settled_by = by
    return moved


def _move_on(session: Session, message: Message, receipt: Receipt, *, now: datetime) -> bool:
    message.provider = message.provider or receipt.provider
    if receipt.state == "sent":
        return progress.mark_sent(session, message, provider_message_id=receipt.provider_message_id, now=now)
    if receipt.state == "delivered":
        return progress.mark_delivered(session, message, provider_message_id=receipt.provider_message_id, now=now)
    message.provider_message_id = message.provider_message_id or receipt.provider_message_id
    return progress.mark_failed(session, message, reason=receipt.code, now=now)


def _is_about(message: Message, receipt: Receipt) -> bool:
    """Whether the provider means the message that we know by its name, once we know it."""
    return message.provider_message_id in (None, receipt.provider_message_id)
