"""What links need done by the clock."""

from datetime import datetime

from core.db import transaction
from core.work import Schedule
from engage.links import kept

#: So many a transaction, which stays short: no reader of the log waits for it.
_CHUNK = 1_000


def forget_expired(now: datetime) -> None:
    """Drop the links that lead nowhere any more."""
    while True:
        with transaction() as session:
            if kept.forget_expired(session, most=_CHUNK, now=now) < _CHUNK:
                return


SCHEDULE = [Schedule("links.forget", "23 4 * * *", forget_expired)]
