"""What gift cards do when others announce."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent, Reader
from rewards.gift_cards import cards


def watch_given(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Look after the cards that the brand gave."""
    ends = {
        UUID(event.payload["voucher_id"]): datetime.fromisoformat(event.payload["expires_at"])
        for event in events
        if event.payload["kind"] == "gift_card" and event.payload["expires_at"] is not None
    }
    if ends:
        columns = [sorted(ends), [cards.due_of(ends[card_id]) for card_id in sorted(ends)]]
        connection_of(session).execute(_WATCH, columns)


# One that was merged or given back meanwhile is looked after already.
_WATCH = """
    INSERT INTO rewards.gift_card (voucher_id, due_at)
    SELECT id, due_at FROM unnest(%s::uuid[], %s::timestamptz[]) AS c (id, due_at)
    ON CONFLICT (voucher_id) DO NOTHING
"""

READERS = [Reader("rewards.gift_cards", watch_given, frozenset({"voucher.issued"}))]
