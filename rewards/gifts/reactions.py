"""What gifts do when others announce."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from rewards.gifts import deliveries
from wallet.peers import people


def hand_newcomers_their_gifts(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Let what waits for the numbers of those who signed up be handed over."""
    indexes = people.indexes_of(session, [event.customer_id for event in events if event.customer_id is not None])
    people.lock_numbers(session, indexes.values())
    deliveries.bind(session, {index: customer_id for customer_id, index in indexes.items()}, now=now)


READERS = [Reader("rewards.gifts", hand_newcomers_their_gifts, frozenset({"customer.signed_up"}))]
