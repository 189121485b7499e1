"""What is due of reservations."""

from datetime import datetime

from core.db import transaction
from core.work import Work
from rewards.reservations import ending


def expire_due(now: datetime) -> int:
    with transaction() as session:
        return ending.expire_due(session, now=now)


WORK = [Work("rewards.reservations", expire_due)]
