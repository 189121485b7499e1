"""What doors do when something happens: words open them, and those who were reported come in when they sign up."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from engage.journeys.doors import letting_in


def let_in(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Let in who sent a door's word, and who signed up after a partner had reported them."""
    letting_in.who_signed_up(session, [event for event in events if event.name in _SIGNED_UP], now)
    letting_in.by_words(session, [event for event in events if event.name == "message.received"], now)


_SIGNED_UP = frozenset({"customer.signed_up", "entry.left"})

READERS = [Reader("engage.doors", let_in, _SIGNED_UP | {"message.received"})]
