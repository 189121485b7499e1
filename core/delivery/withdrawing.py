"""Withdrawing: messages that wait are taken back: their customer, or who wrote them, wants none of them any more."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.delivery import progress
from core.delivery.events import MessageSuppressed
from core.events import announce_all


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A message that will not leave. gate: what its author had laid down for its gate."""

    id: UUID
    customer_id: UUID
    channel: str
    purpose: str
    address_id: UUID | None
    reference: UUID | None
    caused_by: UUID | None
    depth: int
    trace: str | None
    gate: Mapping[str, Any]


def withdraw(
    session: Session,
    *,
    customer_ids: Collection[UUID],
    channel: str,
    purpose: str | None = None,
    reason: str,
    now: datetime,
) -> list[Withdrawn]:
    """Take back what waits for these customers by one channel; what a worker holds already may still leave.

    purpose  None: any but codes to sign in and the like, which somebody waits for
    reason   a code, which stands on the message and in its event
    effects  announces message.suppressed for each
    """
    purposes = [purpose] if purpose else ["transactional", "marketing"]
    rows = connection_of(session).execute(
        _WITHDRAW, {"reason": reason, "customers": list(customer_ids), "channel": channel, "purposes": purposes}
    )
    return _announced(session, [Withdrawn(*row) for row in rows], reason=reason, now=now)


def take_back(session: Session, message_ids: Collection[UUID], *, reason: str, now: datetime) -> list[Withdrawn]:
    """Take back what waits of these messages. What a worker holds just now may still leave, but is not tried again.

    effects  announces message.suppressed for each of those returned
    """
    if not message_ids:
        return []
    connection = connection_of(session)
    rows = connection.execute(_TAKE_BACK, {"reason": reason, "ids": list(message_ids)})
    withdrawn = _announced(session, [Withdrawn(*row) for row in rows], reason=reason, now=now)
    connection.execute(_TRY_NO_MORE, [list(message_ids), now])
    return withdrawn


def _announced(session: Session, withdrawn: list[Withdrawn], *, reason: str, now: datetime) -> list[Withdrawn]:
    announce_all(session, [MessageSuppressed(reason=reason, **progress.facts(one, now=now)) for one in withdrawn])
    return withdrawn


_COLUMNS = tuple(Withdrawn.__slots__)

# Whoever changes many messages takes them in the order of their ids, so that no two wait for each other.
_SUPPRESS = f"""
    UPDATE core.message m SET state = 'suppressed', last_error = %(reason)s
      FROM held WHERE m.id = held.id
    RETURNING {", ".join(f"m.{column}" for column in _COLUMNS)}
"""  # noqa: S608 - our own columns

_WITHDRAW = f"""
    WITH held AS MATERIALIZED (
        SELECT id FROM core.message
         WHERE customer_id = ANY(%(customers)s) AND channel = %(channel)s AND purpose = ANY(%(purposes)s)
           AND state = 'pending'
         ORDER BY id FOR UPDATE)
    {_SUPPRESS}
"""  # noqa: S608 - our own columns

_TAKE_BACK = f"""
    WITH held AS MATERIALIZED (
        SELECT id FROM core.message WHERE id = ANY(%(ids)s) AND state = 'pending' ORDER BY id FOR UPDATE)
    {_SUPPRESS}
"""  # noqa: S608 - our own columns

# After its call a message may wait anew (the provider was busy, or surely did not take it); then it has run out.
_TRY_NO_MORE = """
    WITH held AS MATERIALIZED (
        SELECT id FROM core.message
         WHERE id = ANY(%s) AND state IN ('claimed', 'sending', 'in_doubt') ORDER BY id FOR UPDATE)
    UPDATE core.message m SET expires_at = least(m.expires_at, %s) FROM held WHERE m.id = held.id
"""
