"""Forgetting who was in segments that were archived, slot by slot and some customers a transaction.

Nobody asks about them any more, but what is kept of a customer is read whole whenever they are judged.
"""

from datetime import datetime
from uuid import UUID

from core.db import connection_of, transaction
from core.events import offsets
from core.events.log import SLOTS
from insights.streams.filling import READER

#: Customers a transaction, whatever is kept of them: some 30 ms.
_AT_ONCE = 2_000


def forget_archived(now: datetime) -> None:
    """Forget who was in segments that were archived."""
    with transaction() as session:
        archived = [row[0] for row in connection_of(session).execute(_ARCHIVED)]
    if archived:
        for slot in range(SLOTS):
            _forget(archived, slot)
        with transaction() as session:
            connection_of(session).execute(_DONE, [now, archived])


def _forget(archived: list[UUID], slot: int) -> None:
    after = UUID(int=0)
    while True:
        with transaction() as session:
            connection = connection_of(session)
            # As whoever else writes members: a batch that began before they were archived has ended then.
            offsets.lock_slot(connection, READER, slot)
            found = [row[0] for row in connection.execute(_CUSTOMERS, [slot, after, _AT_ONCE])]
            if found:
                connection.execute(_FORGET, [archived, found])
        if len(found) < _AT_ONCE:
            return
        after = found[-1]


_ARCHIVED = "SELECT id FROM insights.segment WHERE status = 'archived' AND forgotten_at IS NULL ORDER BY id"

_DONE = "UPDATE insights.segment SET forgotten_at = %s WHERE id = ANY(%s)"

_CUSTOMERS = """
    SELECT customer_id FROM insights.profile
     WHERE core.slot_of(customer_id, NULL) = %s AND customer_id > %s ORDER BY customer_id LIMIT %s
"""

_FORGET = "DELETE FROM insights.membership WHERE segment_id = ANY(%s) AND customer_id = ANY(%s)"
