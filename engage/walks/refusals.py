"""Refused entries: who stayed outside a journey, and why. `engage.decisions` answers whoever asks."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from engage.walks.entering import Kept

#: Nobody asks after a quarter of a year.
KEPT = timedelta(days=90)

_SWEPT_AT_ONCE = 5_000


def keep(session: Session, kept: Sequence[Kept], *, now: datetime) -> None:
    """Keep them, each once an event."""
    if not kept:
        return
    connection_of(session).execute(
        """
        INSERT INTO engage.refused_entry (journey_id, customer_id, event_id, reasons, at)
        SELECT journey_id, customer_id, event_id, reasons::jsonb, %s
          FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[])
               AS new (journey_id, customer_id, event_id, reasons)
            ON CONFLICT DO NOTHING
        """,
        [
            now,
            [one.entry.version.journey_id for one in kept],
            [one.entry.customer_id for one in kept],
            [one.entry.event.id for one in kept],
            [json.dumps([one.reason]) for one in kept],
        ],
    )


def sweep(now: datetime) -> None:
    """Forget those that nobody asks after any more, some thousands a transaction."""
    swept = _SWEPT_AT_ONCE
    while swept == _SWEPT_AT_ONCE:
        with transaction() as session:
            swept = connection_of(session).execute(_SWEEP, [now - KEPT, _SWEPT_AT_ONCE]).rowcount


_SWEEP = """
    DELETE FROM engage.refused_entry
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM engage.refused_entry WHERE at < %s LIMIT %s))
"""
