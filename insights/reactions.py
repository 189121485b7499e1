"""What insights does when others announce: it keeps each customer's profile, counts, habits and segments."""

from collections.abc import Sequence
from dataclasses import replace
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
    connection = connection_of(session)
    course = following.begin(connection, events, now)
    telling = [event for event in events if event.name in _TELLING]
    kept = profiles.keep(session, telling, now)
    counting.count(connection, events, now)
    habits.keep(connection, events)
    following.follow(session, replace(course, kept=kept), now)
    following.tell_visited(session, kept.visited.keys() - {event.customer_id for event in telling}, now)


READERS = [Reader(name="insights.profiles", handle=keep, names=None, limit=300, rests_seconds=0.08)]
