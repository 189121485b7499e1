"""What gift cards do when others announce."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent, Reader
from rewards.gift_cards import cards, deliveries
from wallet.peers import people

_ISSUED, _SIGNED_UP = "voucher.issued", "customer.signed_up"


def follow(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Look after the cards that the brand gave, and hand newcomers what waits for their numbers."""
    _watch_given(session, [event for event in events if event.name == _ISSUED])
    newcomers = [event.customer_id for event in events if event.name == _SIGNED_UP and event.customer_id is not None]
    if newcomers:
        _bind(session, newcomers, now=now)


def _watch_given(session: Session, events: Sequence[LoggedEvent]) -> None:
    ends = {
        UUID(event.payload["voucher_id"]): datetime.fromisoformat(event.payload["expires_at"])
        for event in events
        if event.payload["kind"] == "gift_card" and event.payload["expires_at"] is not None
    }
    if ends:
        columns = [sorted(ends), [cards.due_of(ends[card_id]) for card_id in sorted(ends)]]
        connection_of(session).execute(_WATCH, columns)


def _bind(session: Session, newcomers: Sequence[UUID], *, now: datetime) -> None:
    indexes = people.indexes_of(session, newcomers)
    people.lock_numbers(session, indexes.values())
    deliveries.bind(session, {index: customer_id for customer_id, index in indexes.items()}, now=now)


# One that was merged or given back meanwhile is looked after already.
_WATCH = """
    INSERT INTO rewards.gift_card (voucher_id, due_at)
    SELECT id, due_at FROM unnest(%s::uuid[], %s::timestamptz[]) AS c (id, due_at)
    ON CONFLICT (voucher_id) DO NOTHING
"""

READERS = [Reader("rewards.gift_cards", follow, frozenset({_ISSUED, _SIGNED_UP}))]
