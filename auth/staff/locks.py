"""Locks: after five wrong codes within a quarter of an hour none of a person's is looked at for as long, right or not.

Counted in the person's own row, under its lock, so that restarts and more servers change nothing. Only who read the
code that was mailed to them gets so far as to be counted: nobody locks out whom they merely know.
"""

import math
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.models import Staff
from auth.staff.events import StaffLocked
from core.events import announce

MOST_WRONG = 5
WINDOW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)


def wait(person: Staff, *, now: datetime) -> int | None:
    """The seconds for which a person's codes are not looked at; None when they are."""
    if person.locked_until is None or now >= person.locked_until:
        return None
    return math.ceil((person.locked_until - now).total_seconds())


def count_wrong(session: Session, person: Staff, *, now: datetime) -> bool:
    """Count one more wrong code of a person whose row is locked; whether it was the last one for now.

    effects  announces staff.locked
    """
    is_over = person.wrong_since is None or now >= person.wrong_since + WINDOW
    if is_over:
        person.wrong_proofs, person.wrong_since = 0, now
    person.wrong_proofs += 1
    if person.wrong_proofs < MOST_WRONG:
        return False

    person.wrong_proofs, person.wrong_since, person.locked_until = 0, None, now + LOCKED_FOR
    announce(session, StaffLocked(occurred_at=now, staff_id=person.id))
    return True


def clear(person: Staff) -> None:
    person.wrong_proofs, person.wrong_since, person.locked_until = 0, None, None
