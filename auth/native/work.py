"""Changes of number whose wait is over."""

import logging
from datetime import datetime

from auth.native import numbers
from core.db import transaction
from core.errors import Refusal
from core.work import Schedule

_CHUNK = 100

_log = logging.getLogger("pocketful.numbers")


def change_numbers(now: datetime) -> None:
    """Let every change take effect that is due, each in a transaction of its own. One that meets another customer who
    takes the number at that moment ends at the next turn."""
    with transaction() as session:
        waiting = numbers.due(session, now=now, most=_CHUNK)
    for customer_id in waiting:
        try:
            with transaction() as session:
                numbers.take_effect(session, customer_id, now=now)
        except Refusal as refusal:
            _log.warning("a change of number waits on: %s", refusal.code)


SCHEDULE = [Schedule("auth.number_changes", "* * * * *", change_numbers)]
