"""Messages of which nobody can tell whether a provider took them: listed, and settled by a receipt or an operator."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.delivery import progress
from core.delivery.models import Message
from core.errors import Kind, NotFound, Refusal


class NotInDoubt(Refusal):
    code = "message_not_in_doubt"
    kind = Kind.CONFLICT
    title = "This message is not in doubt"


def list_(session: Session, *, limit: int = 50, after: UUID | None = None) -> Sequence[Message]:
    """The oldest first. after: the last id of the page before."""
    query = select(Message).where(Message.state == "in_doubt").order_by(Message.id).limit(limit)
    if after is not None:
        query = query.where(Message.id > after)
    return session.scalars(query).all()


def settle(session: Session, *, message_id: UUID, was_taken: bool, actor: str, now: datetime) -> Message:
    """What an operator found out at the provider: it took the message, or it did not (then it failed).

    raises   NotFound; NotInDoubt when something settled it already
    effects  audited; announces MessageSent or MessageFailed. It is never sent again: who wants that writes another
    """
    message = progress.lock(session, message_id)
    if message is None:
        raise NotFound
    if message.state != "in_doubt":
        raise NotInDoubt

    message.settled_by = "operator"
    if was_taken:
        progress.mark_sent(session, message, provider_message_id=None, now=now)
    else:
        progress.mark_failed(session, message, reason="not_taken", now=now)
    audit.record(
        session,
        actor=actor,
        action="message.settle",
        target=f"message:{message_id}",
        change={"was_taken": was_taken},
        now=now,
    )
    return message
