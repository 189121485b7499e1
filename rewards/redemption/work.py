"""What is due of tills' visits."""

from datetime import datetime

from core.db import transaction
from core.work import Schedule
from rewards.redemption import visits

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 200


def sweep(now: datetime) -> None:
    """Drop who was at which till, a chunk a transaction."""
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = visits.forget(session, now=now, most=_CHUNK)


SCHEDULE = [Schedule("rewards.visits", "41 * * * *", sweep)]
