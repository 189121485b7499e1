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
    rows = connection_of(session).execute(_WITHDRAW, [reason, list(customer_ids), channel, purposes])
    return _announced(session, [Withdrawn(*row) for row in rows], reason=reason, now=now)


def take_back(session: Session, message_ids: Collection[UUID], *, reason: str, now: datetime) -> list[Withdrawn]:
    """Take back what waits of these messages. What a worker holds just now may still leave, but is not tried again.

    effects  announces message.suppressed for each of those returned
    """
    if not message_ids:
        return []
    connection = connection_of(session)
    rows = connection.execute(_TAKE_BACK, [reason, list(message_ids)])
    withdrawn = _announced(session, [Withdrawn(*row) for row in rows], reason=reason, now=now)
    connection.execute(_TRY_NO_MORE, [now, list(message_ids)])
    return withdrawn


def _announced(session: Session, withdrawn: list[Withdrawn], *, reason: str, now: datetime) -> list[Withdrawn]:
    announce_all(session, [MessageSuppressed(reason=reason, **progress.facts(one, now=now)) for one in withdrawn])
    return withdrawn


_COLUMNS = "id, customer_id, channel, purpose, address_id, reference, caused_by, depth, trace, gate"

_WITHDRAW = f"""
    UPDATE core.message SET state = 'suppressed', last_error = %s
     WHERE customer_id = ANY(%s) AND channel = %s AND purpose = ANY(%s) AND state = 'pending'
    RETURNING {_COLUMNS}
"""  # noqa: S608 - our own columns

_TAKE_BACK = f"""
    UPDATE core.message SET state = 'suppressed', last_error = %s
     WHERE id = ANY(%s) AND state = 'pending'
    RETURNING {_COLUMNS}
"""  # noqa: S608 - our own columns

# After its call a message may wait anew (the provider was busy, or surely did not take it); then it has run out.
_TRY_NO_MORE = """
    UPDATE core.message SET expires_at = least(expires_at, %s)
     WHERE id = ANY(%s) AND state IN ('claimed', 'sending', 'in_doubt')
"""
