"""Incoming's schedule."""

from datetime import datetime, timedelta

from core.db import transaction
from core.work import Schedule
from engage.incoming import taking

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 1_000

#: Providers bring a message again within hours; who has overheard one and its signature may try for as long as we
#: remember it.
_KEPT = timedelta(days=90)


def sweep(now: datetime) -> None:
    """Drop what was noted of messages that came in long ago, a chunk a transaction."""
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = taking.forget(session, before=now - _KEPT, most=_CHUNK)


SCHEDULE = [Schedule("engage.incoming", "29 4 * * *", sweep)]
