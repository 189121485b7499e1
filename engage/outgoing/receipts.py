"""Receipts of the app: it tells what the providers do not, that a message was shown, opened or put aside.

It settles a push in doubt: whoever has it was given it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.delivery import progress
from core.delivery.models import Message
from core.errors import NotFound
from engage.outgoing.events import MessageActed, MessageOpened

DELIVERED, OPENED, DISMISSED = WORDS = ("delivered", "opened", "dismissed")


def take(
    session: Session, message_id: UUID, *, customer_id: UUID, what: str, action: str | None = None, now: datetime
) -> None:
    """Keep what a customer's app tells of a message; told again it changes nothing.

    what     delivered, opened or dismissed; action: the id of the button by which it was opened
    raises   NotFound, also for somebody else's message
    effects  locks the message; announces message.delivered, message.opened and message.acted, each when it is new
    """
    message = progress.lock(session, message_id)
    if message is None or message.customer_id != customer_id:
        raise NotFound
    _settle(session, message, by="app", now=now)
    if what == OPENED and _note_opened(session, message, now=now) and action is not None:
        events.announce(session, MessageActed(action=action, **progress.facts(message, now=now)))


def note_opened(session: Session, message_id: UUID, *, now: datetime) -> None:
    """A mail program showed the message's picture."""
    message = progress.lock(session, message_id)
    if message is not None:
        _settle(session, message, by="picture", now=now)
        _note_opened(session, message, now=now)


def _settle(session: Session, message: Message, *, by: str, now: datetime) -> None:
    was = message.state
    if progress.mark_delivered(session, message, provider_message_id=None, now=now) and was == "in_doubt":
        message.settled_by = by


def _note_opened(session: Session, message: Message, *, now: datetime) -> bool:
    if message.opened_at is not None or message.state != "delivered":
        return False
    message.opened_at = now
    events.announce(session, MessageOpened(**progress.facts(message, now=now)))
    return True
