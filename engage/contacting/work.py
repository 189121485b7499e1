"""Contacting's schedule."""

from datetime import datetime, timedelta

from core.db import transaction
from core.work import Schedule
from engage.contacting import caps

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 1_000

#: A message that waits may give its count back for some days after the bucket's end.
_KEPT = timedelta(days=7)


def sweep(now: datetime) -> None:
    """Drop the counts of days, weeks and months that are over, a chunk a transaction."""
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = caps.forget(session, before=(now - _KEPT).date(), most=_CHUNK)


SCHEDULE = [Schedule("engage.caps", "11 4 * * *", sweep)]
