"""What was prepared of a cancelled broadcast and has not left yet is taken back, some at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from core.db import connection_of
from core.delivery import withdrawing
from engage import inbox
from engage.broadcasts import counting
from engage.broadcasts.models import CANCELLED, Broadcast, BroadcastPart
from engage.consents.saying import MARKETING
from engage.contacting import caps, policy
from engage.templates.wording import INBOX

_AT_ONCE = 200


def take_some_back(session: Session, broadcast: Broadcast, part: BroadcastPart, *, now: datetime) -> int:
    """Take back the next customers' messages and what the inbox shows of them; says how many customers were looked at.

    effects  announces message.suppressed; gives frequency caps back; vouchers stay with those who have them
    """
    connection = connection_of(session)
    rows = connection.execute(_NEXT, [part.broadcast_id, part.cursor or UUID(int=0), _AT_ONCE]).fetchall()
    sends = [_Send(*row) for row in rows]
    waiting = [message_id for send in sends for message_id in send.message_ids]
    back = withdrawing.take_back(session, waiting, reason="cancelled", now=now)
    taken = {one.id for one in back}
    ended = {send.id for send in sends if send.message_ids and taken.issuperset(send.message_ids)}
    inbox.take_back(session, ended, now=now)
    # What was for the inbox alone is not shown yet, or stays.
    lone = {send.id: send.customer_id for send in sends if not send.message_ids}
    unsaid = inbox.take_back(session, lone, now=now, are_seen=False)
    ended |= unsaid.keys()
    # Given back together, in the one order in which their rows are locked everywhere.
    counted = [key for one in back for key in caps.noted(one.customer_id, one.gate)]
    shown_from = {lone[send_id]: at for send_id, at in unsaid.items()}
    caps.give_back(session, [*counted, *_counted(session, broadcast, shown_from, now=now)])
    cancelled = connection.execute(_CANCELLED, [list(ended)]).rowcount
    part.counts = counting.added(part.counts, {"sent": -cancelled, "cancelled": cancelled} if cancelled else {})
    if len(rows) < _AT_ONCE:
        part.state, part.due_at = CANCELLED, None
    else:
        part.cursor, part.due_at = rows[-1][0], now
    return len(rows)


@dataclass(frozen=True, slots=True)
class _Send:
    """One customer's. message_ids: none where it is for the inbox alone, and where nothing was sent"""

    customer_id: UUID
    id: UUID
    message_ids: Sequence[UUID]


def _counted(
    session: Session, broadcast: Broadcast, shown_from: Mapping[UUID, datetime], *, now: datetime
) -> list[caps.Key]:
    """What items of the inbox took of caps, by whom they were to be shown to from when on."""
    if not shown_from or broadcast.purpose != MARKETING:
        return []
    zones = customers.time_zones(session, shown_from)
    held = caps.Caps(policy.current(session), now, zones)
    return [(each, *mark) for each, at in shown_from.items() for mark in held.marks(each, INBOX, at)]


_NEXT = """
    SELECT customer_id, id, message_ids FROM engage.broadcast_send
     WHERE broadcast_id = %s AND customer_id > %s ORDER BY customer_id LIMIT %s
"""

_CANCELLED = "UPDATE engage.broadcast_send SET outcome = 'cancelled' WHERE id = ANY(%s) AND outcome = 'sent'"
