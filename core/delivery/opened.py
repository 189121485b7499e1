"""What the app itself tells of a message: that it came, was opened or was swept away."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from core.delivery import progress
from core.errors import NotFound

What = Literal["delivered", "opened", "dismissed"]


def tell(session: Session, *, message_id: UUID, customer_id: UUID, what: What, now: datetime) -> bool:
    """Move one of a customer's messages on by the app's own word; False when it tells nothing new.

    raises   NotFound for a message that is not theirs
    effects  locks the message; settles it where it was in doubt; announces message.delivered once. Opened and dismissed
             mean that it came, too
    """
    message = progress.lock(session, message_id)
    if message is None or message.customer_id != customer_id:
        raise NotFound
    if what == "opened" and message.opened_at is None:
        message.opened_at = now
    was_in_doubt = message.state == "in_doubt"
    moved = progress.mark_delivered(session, message, provider_message_id=None, now=now)
    if moved and was_in_doubt:
        message.settled_by = "app"
    return moved
