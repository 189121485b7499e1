"""Messages as their authors see them: handed in with the deed that caused them, taken back before they leave."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import crypto, ids, work
from core.db import connection_of
from core.delivery import channels, countries
from core.delivery.models import PURPOSES, Message

#: The line of the worker that sends sign-in codes, and nothing else.
CODES = "delivery.codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One message to be sent.

    recipient   phone number (E.164), device token or e-mail address
    content     what `core.delivery.channels` lists for the channel
    address_id  the caller's own id of the address, handed back in the events
    reference   the caller's own id of what sends it (a step run, a broadcast's send), handed back in the events
    gate        what the caller's gate is asked with right before it leaves (core.delivery.gates)
    country     ISO 3166-1 alpha-2, where the caller knows it; a phone number tells its own
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
    reference: UUID | None = None
    gate: Mapping[str, Any] = field(default_factory=dict)
    country: str | None = None
    caused_by: UUID | None = None
    depth: int = 0
    trace: str | None = None


def enqueue(session: Session, *, now: datetime, **new: Any) -> UUID:
    """Let one message (the fields of NewMessage) wait to be sent, in the caller's transaction: it leaves only if the
    deed commits.

    raises  crypto.Erased when the customer has no data key; ValueError for content that the channel cannot send
    """
    return enqueue_all(session, [NewMessage(**new)], now=now)[0]


def enqueue_all(session: Session, new: Sequence[NewMessage], *, now: datetime) -> list[UUID]:
    """`enqueue` for many, with one statement; the ids come in the order given."""
    if not new:
        return []
    for one in new:
        channels.check(one.channel, one.content)
        if one.purpose not in PURPOSES:
            raise ValueError(f"the purpose of a message is one of {', '.join(PURPOSES)}")

    crypto.fetch_data_keys(session, [one.customer_id for one in new])
    made = ids.block(len(new))
    rows = [_row(session, one, message_id) for one, message_id in zip(new, made, strict=True)]
    connection_of(session).execute(_INSERT, [now, *map(list, zip(*rows, strict=True))])
    for line in {CODES if one.purpose == "sign_in" else f"delivery.{one.channel}" for one in new if one.due_at <= now}:
        work.nudge_after(session, line)
    return made


# One statement of arrays: the ORM's rows took five times as long, and a broadcast writes thousands a second.
_INSERT = """
    INSERT INTO core.message (id, customer_id, channel, purpose, address_id, recipient, content, due_at, expires_at,
                              caused_by, depth, trace, reference, gate, country, state, created_at)
    SELECT id, customer_id, channel, purpose, address_id, recipient, content, due_at, expires_at,
           caused_by, depth, trace, reference, gate::jsonb, country, 'pending', %s
      FROM unnest(%b::uuid[], %b::uuid[], %s::text[], %s::text[], %b::uuid[], %b::bytea[], %b::bytea[],
                  %b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::smallint[], %s::text[], %b::uuid[], %b::text[],
                  %s::text[])
           AS m (id, customer_id, channel, purpose, address_id, recipient, content, due_at, expires_at,
                 caused_by, depth, trace, reference, gate, country)
"""


def put_off(session: Session, message_ids: Collection[UUID], *, until: datetime) -> int:
    """Let messages that still wait leave at another time; says how many there were."""
    statement = update(Message).where(Message.id.in_(message_ids), Message.state == "pending").values(due_at=until)
    return len(session.execute(statement.returning(Message.id)).all())


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


def _row(session: Session, new: NewMessage, message_id: UUID) -> tuple[Any, ...]:
    def sealed(column: str, text: str) -> bytes:
        return crypto.seal(session, owner_id=new.customer_id, place=f"message.{column}", row_id=message_id, text=text)

    return (
        message_id,
        new.customer_id,
        new.channel,
        new.purpose,
        new.address_id,
        sealed("recipient", new.recipient),
        sealed("content", json.dumps(new.content, ensure_ascii=False)),
        new.due_at,
        new.expires_at,
        new.caused_by,
        new.depth,
        new.trace,
        new.reference,
        json.dumps(dict(new.gate)),
        new.country or countries.of_recipient(new.channel, new.recipient),
    )
