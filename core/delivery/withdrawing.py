"""Withdrawing: messages that wait are taken back, because their customer wants none of them any more."""

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
    withdrawn = [Withdrawn(*row) for row in rows]

    announce_all(session, [MessageSuppressed(reason=reason, **progress.facts(one, now=now)) for one in withdrawn])
    return withdrawn


_WITHDRAW = """
    UPDATE core.message SET state = 'suppressed', last_error = %s
     WHERE customer_id = ANY(%s) AND channel = %s AND purpose = ANY(%s) AND state = 'pending'
    RETURNING id, customer_id, channel, purpose, address_id, reference, caused_by, depth, trace, gate
"""
