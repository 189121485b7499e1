"""The walks' due work: those whose wait has timed out, or that wait for their next transaction."""

import itertools
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.db import transaction
from core.errors import Busy, DatabaseUnavailable
from core.events import readers
from core.work import Schedule, Work
from engage.journeys import versions
from engage.walks import carrying, conversions, engine, holding, refusals, rows
from engage.walks.carrying import READER, Batch
from engage.walks.walk import Walk

# Each walk that times out costs a look at the log and often a message: so many stay well under 250 ms.
_BATCH = 50

#: A walk whose past is not read yet is looked at again when it stands overdue for twice as long, but so soon at least.
_SOONEST, _LATEST = timedelta(seconds=1), timedelta(minutes=1)

_LONGEST_BACK_OFF = timedelta(hours=6)

_log = logging.getLogger(__name__)


def advance_due(now: datetime) -> int:
    """Advance the next walks that are due; says how many there were.

    A batch that fails is taken one walk a transaction, so that one walk's trouble is only its own: it is tried again
    later and later, and shows its last error.
    """
    try:
        return len(_advance(now, limit=_BATCH))
    except (Busy, DatabaseUnavailable):
        raise
    except Exception:
        return sum(itertools.takewhile(bool, (_advance_one(now) for _ in range(_BATCH))))


WORK = [Work("engage.enrolments", advance_due, after_lost_lease="again")]

SCHEDULE = [
    Schedule("engage.held", "* * * * *", holding.wake_all),
    Schedule("engage.goals", "*/10 * * * *", conversions.lapse_all),
    Schedule("engage.refused_entries", "40 3 * * *", refusals.sweep),
]


def _advance_one(now: datetime) -> int:
    taken: list[UUID] = []
    try:
        return len(_advance(now, limit=1, tell=taken.append))
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:
        if not taken:
            raise
        # The error's own words may hold data, so only its kind stays.
        _log.error("enrolment %s cannot advance: %s", taken[0], type(error).__name__)
        with transaction() as session:
            rows.put_off(session, taken[0], error=type(error).__name__, longest=_LONGEST_BACK_OFF, now=now)
        return 1


def _advance(now: datetime, *, limit: int, tell: Callable[[UUID], Any] = lambda _: None) -> list[UUID]:
    """tell  is told each walk that was taken, also where the batch then fails"""
    with transaction() as session:
        if not rows.is_any_due(session, now=now):
            return []

        def move(batch: Batch) -> list[UUID]:
            due = rows.lock_due(session, limit=limit, now=now)
            for walk in due:
                tell(walk.id)
            _move(batch, due)
            return [walk.id for walk in due]

        return carrying.carry_out(session, versions.catalogue(session), move, now=now, is_late=True)


def _move(batch: Batch, due: Sequence[Walk]) -> None:
    now, effects = batch.effects.now, batch.effects
    unread = _unread(batch, due)
    moving: list[Walk] = []
    for walk in due:
        effects.touch(walk)
        if batch.holds(walk):
            continue
        if walk.is_waiting and not walk.is_timed_out(now):
            walk.due_at = walk.timeout_at  # looked at too early: else it would be due again at once, for ever
        elif walk.id in unread:
            walk.due_at = now + min(max(now - _moment(walk), _SOONEST), _LATEST)
        else:
            moving.append(walk)
    # Of those alone that move: while a reader is behind, the others come again and again.
    batch.know([(walk.version_id, walk.customer_id) for walk in moving])
    for walk in moving:
        if walk.is_waiting:
            engine.time_out(effects, walk)
    batch.run(moving)


def _unread(batch: Batch, due: Sequence[Walk]) -> set[UUID]:
    """Those that must not move yet, since what preceded that has not been read: it may end their wait, or change what a
    step asks about. What the walks' reader has read is counted as well, since it stays behind the one that counts.
    """
    effects = batch.effects
    over = [walk for walk in due if walk.state == "ready" or walk.is_timed_out(effects.now)]
    asking = [walk for walk in over if engine.listens(effects, walk) or effects.version(walk).graph.asks_facts]
    known = readers.have_read(batch.desk.connection, READER, [(walk.customer_id, _moment(walk)) for walk in asking])
    return {walk.id for walk, is_known in zip(asking, known, strict=True) if not is_known}


def _moment(walk: Walk) -> datetime:
    """When it came to where it goes on from: its time-out, or its step."""
    return walk.timeout_at if walk.timeout_at is not None else walk.step_entered_at
