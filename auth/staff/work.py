"""What is due, and what runs when."""

from datetime import datetime

from auth.staff import invitations, signing_in
from core.db import transaction
from core.work import Schedule, Work

#: Rows a transaction.
_CHUNK = 200


def sweep(now: datetime) -> None:
    """Drop invitations and sign-ins that are long over, a chunk a transaction."""
    for forget in (invitations.forget, signing_in.forget):
        gone = _CHUNK
        while gone == _CHUNK:
            with transaction() as session:
                gone = forget(session, now=now, most=_CHUNK)


WORK: list[Work] = []
SCHEDULE = [Schedule("auth.staff_sweep", "33 * * * *", sweep)]
