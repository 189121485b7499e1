"""Messages as their authors see them: handed in with the deed that caused them, taken back before they leave."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from core import crypto, ids
from core.delivery import channels
from core.delivery.models import PURPOSES, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One message to be sent.

    recipient   phone number (E.164), device token or e-mail address
    content     what `core.delivery.channels` lists for the channel
    address_id  the caller's own id of the address, handed back in the events
    expires_at  from when on it must not leave any more; None: it may at any time
    caused_by, depth, trace  of the event that led to it, so that chains stay bounded
    """

    customer_id: UUID
    channel: str
    recipient: str
    content: dict[str, Any]
    purpose: str
    due_at: datetime
    expires_at: datetime | None = None
    address_id: UUID | None = None
    caused_by: UUID | None = None
    depth: int = 0
    trace: str | None = None


def enqueue(
    session: Session,
    *,
    customer_id: UUID,
    channel: str,
    recipient: str,
    content: dict[str, Any],
    purpose: str,
    due_at: datetime,
    now: datetime,
    expires_at: datetime | None = None,
    address_id: UUID | None = None,
    caused_by: UUID | None = None,
    depth: int = 0,
    trace: str | None = None,
) -> UUID:
    """Let one message wait to be sent, in the caller's transaction: it leaves only if the deed commits.

    raises  crypto.Erased when the customer has no data key; ValueError for content that the channel cannot send
    """
    new = NewMessage(
        customer_id=customer_id,
        channel=channel,
        recipient=recipient,
        content=content,
        purpose=purpose,
        due_at=due_at,
        expires_at=expires_at,
        address_id=address_id,
        caused_by=caused_by,
        depth=depth,
        trace=trace,
    )
    return enqueue_all(session, [new], now=now)[0]


def enqueue_all(session: Session, new: Sequence[NewMessage], *, now: datetime) -> list[UUID]:
    """`enqueue` for many, with one statement; the ids come in the order given."""
    if not new:
        return []
    for one in new:
        channels.check(one.channel, one.content)
        if one.purpose not in PURPOSES:
            raise ValueError(f"the purpose of a message is one of {', '.join(PURPOSES)}")

    crypto.fetch_data_keys(session, [one.customer_id for one in new])
    rows = [_row(session, one, now=now) for one in new]
    session.execute(insert(Message), rows)
    return [row["id"] for row in rows]


def suppress(
    session: Session,
    *,
    customer_ids: Collection[UUID],
    reason: str,
    channel: str | None = None,
    purpose: str | None = None,
) -> int:
    """Take back what waits for customers (who opted out, or are erased); what a worker holds already may still leave.

    channel, purpose  only these messages; None for all
    returns           how many were taken back
    """
    statement = (
        update(Message)
        .where(Message.customer_id.in_(customer_ids), Message.state == "pending")
        .values(state="suppressed", last_error=reason)
        .returning(Message.id)
    )
    if channel is not None:
        statement = statement.where(Message.channel == channel)
    if purpose is not None:
        statement = statement.where(Message.purpose == purpose)
    return len(session.execute(statement).all())


def open_sealed(session: Session, message: Message) -> tuple[str, dict[str, Any]]:
    """The recipient and the content in clear.

    raises  crypto.Erased when the customer was erased
    """
    recipient = crypto.unseal(
        session,
        owner_id=message.customer_id,
        place="message.recipient",
        row_id=message.id,
        ciphertext=message.recipient,
    )
    content = crypto.unseal(
        session, owner_id=message.customer_id, place="message.content", row_id=message.id, ciphertext=message.content
    )
    opened: dict[str, Any] = json.loads(content)
    return recipient, opened


def _row(session: Session, new: NewMessage, *, now: datetime) -> dict[str, Any]:
    message_id = ids.new()

    def sealed(column: str, text: str) -> bytes:
        return crypto.seal(session, owner_id=new.customer_id, place=f"message.{column}", row_id=message_id, text=text)

    return {
        "id": message_id,
        "customer_id": new.customer_id,
        "channel": new.channel,
        "purpose": new.purpose,
        "address_id": new.address_id,
        "recipient": sealed("recipient", new.recipient),
        "content": sealed("content", json.dumps(new.content, ensure_ascii=False)),
        "state": "pending",
        "due_at": new.due_at,
        "expires_at": new.expires_at,
        "created_at": now,
        "caused_by": new.caused_by,
        "depth": new.depth,
        "trace": new.trace,
    }
