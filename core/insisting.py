"""Insisting: for what nobody sends us twice, what is only busy is tried again while the sender waits."""

from collections.abc import Callable
from typing import TypeVar

from core.errors import Busy, DatabaseUnavailable

Result = TypeVar("Result")

#: Each try waits two seconds for a lock or five for a connection at most; those who call us hang up after ten or more.
TRIES = 3


def insist(work: Callable[[], Result]) -> Result:
    """Do `work`, one transaction of its own, up to three times.

    raises  Busy, DatabaseUnavailable when the last try ends so, too; anything else at once
    """
    for _ in range(TRIES - 1):
        try:
            return work()
        except (Busy, DatabaseUnavailable):
            continue
    return work()
