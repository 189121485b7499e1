"""What is due, and what runs when."""

from datetime import datetime

from auth.privacy import erasing, exporting, steps
from core.db import transaction
from core.work import Schedule, Work

_MOST = 100


def _forget_exports(now: datetime) -> None:
    with transaction() as session:
        exporting.forget(session, now=now, most=_MOST)


WORK: list[Work] = [
    Work(erasing.LINE, steps.work_off),
    Work(exporting.LINE, exporting.work_off, yields=True),
]
SCHEDULE: list[Schedule] = [Schedule("auth.exports", "41 * * * *", _forget_exports)]
