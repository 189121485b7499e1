"""Taking over: many customers become outcomes at once, whom no event of their own tells the reader of.

A row says whose turn it is; they are entered a few at a time, while the reader stands still, so that it is known which
of their events it has handled.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import work
from core.db import Connection, connection_of, transaction
from engage.results.models import BroadcastCount, CampaignCount

#: Each costs a look at the log: so many stay well under 250 ms, for which the reader stands still.
AT_ONCE = 500


def take_over(
    counts: type[BroadcastCount] | type[CampaignCount],
    enter: Callable[[Connection, Any, str, int], list[UUID]],
    *,
    reader: str,
    now: datetime,
) -> int:
    """Let the next customers of one of these rows be entered; says how many.

    enter  enter(connection, row, reader, at_once): those beyond `counted_to`, in order
    """
    with transaction() as session:
        found = work.lock_due(session, counts, states=["waiting"], limit=1, now=now)
        if not found:
            return 0
        row: BroadcastCount | CampaignCount = found[0]
        hold_still(session, reader)
        entered = enter(connection_of(session), row, reader, AT_ONCE)
        if len(entered) < AT_ONCE:
            row.state, row.due_at = "done", None
        else:
            row.counted_to = entered[-1]
        return max(len(entered), 1)


def hold_still(session: Session, reader: str) -> None:
    """Let the reader stand where it stands until this transaction ends."""
    connection_of(session).execute(
        "SELECT FROM core.reader_offset WHERE reader = %s ORDER BY slot FOR UPDATE", [reader]
    )
