"""What was prepared of a cancelled broadcast and has not left yet is taken back, some at a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.delivery import withdrawing
from engage.broadcasts.models import CANCELLED, BroadcastPart
from engage.contacting import caps

_AT_ONCE = 200


def take_some_back(session: Session, part: BroadcastPart, *, now: datetime) -> int:
    """Take back the next customers' messages; says how many customers were looked at.

    effects  announces message.suppressed; gives frequency caps back; vouchers stay with those who have them
    """
    connection = connection_of(session)
    rows = connection.execute(_NEXT, [part.broadcast_id, part.cursor or UUID(int=0), _AT_ONCE]).fetchall()
    waiting = [message_id for row in rows for message_id in row[2]]
    back = withdrawing.take_back(session, waiting, reason="cancelled", now=now)
    caps.give_back(session, [key for one in back for key in caps.noted(one.customer_id, one.gate)])

    taken = {one.id for one in back}
    ended = [row[1] for row in rows if row[2] and taken.issuperset(row[2])]
    connection.execute(_CANCELLED, [ended])
    if len(rows) < _AT_ONCE:
        part.state, part.due_at = CANCELLED, None
    else:
        part.cursor, part.due_at = rows[-1][0], now
    return len(rows)


_NEXT = """
    SELECT customer_id, id, message_ids FROM engage.broadcast_send
     WHERE broadcast_id = %s AND customer_id > %s ORDER BY customer_id LIMIT %s
"""

_CANCELLED = "UPDATE engage.broadcast_send SET outcome = 'cancelled' WHERE id = ANY(%s)"
