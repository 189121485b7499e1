"""Forgetting refusals when their time is over."""

from datetime import datetime

from core.db import connection_of, transaction
from core.work import Schedule
from rewards.refusals import keeping

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 1_000


def sweep(now: datetime) -> None:
    """Drop what was kept for 90 days, a chunk a transaction."""
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = keeping.forget(connection_of(session), before=now - keeping.KEPT, most=_CHUNK)


SCHEDULE = [Schedule("rewards.refusals", "41 3 * * *", sweep)]
