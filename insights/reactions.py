"""What insights does when others announce: it keeps each customer's profile, counts, habits and segments."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent, Reader
from insights import habits, profiles
from insights.profiles import sightings
from insights.segments import following
from insights.streams import counting

#: What profiles are told by.
_TELLING = sightings.TELLING


def keep(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Bring all that is kept of customers up to date with a batch; segments last, since they look at the rest."""
    visited = profiles.keep(session, [event for event in events if event.name in _TELLING], now)
    connection = connection_of(session)
    counting.count(connection, events, now)
    habits.keep(connection, events)
    following.follow(session, events, now)
    following.tell_visited(session, visited, now)


READERS = [Reader(name="insights.profiles", handle=keep, names=None, limit=300)]
