"""What is only busy is tried again, so often and no more."""

from collections.abc import Callable

import pytest

from core.errors import Busy, DatabaseUnavailable, NotFound
from core.insisting import TRIES, insist


def after(*refusals: Exception) -> tuple[list[int], Callable[[], str]]:
    """Work that is refused so at first; and how often it was done."""
    done: list[int] = []

    def work() -> str:
        done.append(1)
        if len(done) <= len(refusals):
            raise refusals[len(done) - 1]
        return "done"

    return done, work


def test_busy_work_is_done_at_the_last_try() -> None:
    done, work = after(Busy(), DatabaseUnavailable())

    assert insist(work) == "done"
    assert len(done) == TRIES


def test_work_that_stays_busy_is_refused() -> None:
    done, work = after(*[Busy()] * (TRIES + 1))

    with pytest.raises(Busy):
        insist(work)
    assert len(done) == TRIES


def test_a_refusal_is_final() -> None:
    done, work = after(NotFound())

    with pytest.raises(NotFound):
        insist(work)
    assert len(done) == 1
