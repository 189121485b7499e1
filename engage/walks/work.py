"""Engage's due work: walks whose wait has timed out, or that wait for their next transaction."""

import itertools
import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from core.errors import Busy, DatabaseUnavailable
from core.events import readers
from core.work import Work
from engage.journeys import versions
from engage.steps import Wait
from engage.walks import carrying, rows
from engage.walks.carrying import Batch
from engage.walks.reactions import READER
from engage.walks.walk import Walk

# Each walk that times out costs a look at the log and often a message: so many stay well under 250 ms.
_BATCH = 50

#: How soon a timed-out walk is looked at again while the reader has not come so far.
_LOOK_AGAIN = timedelta(seconds=1)

_LONGEST_BACK_OFF = timedelta(hours=6)

_log = logging.getLogger(__name__)


def advance_due(now: datetime) -> int:
    """Advance the next walks that are due; says how many there were.

    A batch that fails is taken one walk a transaction, so that one walk's trouble is only its own: it is tried again
    later and later, and shows its last error.
    """
    try:
        return _advance_batch(now, limit=_BATCH)
    except (Busy, DatabaseUnavailable):
        raise
    except Exception:
        return sum(itertools.takewhile(bool, (_advance_one(now) for _ in range(_BATCH))))


WORK = [Work("engage.enrolments", advance_due, after_lost_lease="again")]


def _advance_batch(now: datetime, *, limit: int) -> int:
    with transaction() as session:
        due = rows.lock_due(session, limit=limit, now=now)
        if due:
            _advance(session, due, now=now)
        return len(due)


def _advance_one(now: datetime) -> int:
    walk_id: UUID | None = None
    try:
        with transaction() as session:
            due = rows.lock_due(session, limit=1, now=now)
            if due:
                walk_id = due[0].id
                _advance(session, due, now=now)
            return len(due)
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:
        if walk_id is None:
            raise
        # The error's own words may hold data, so only its kind stays.
        _log.error("enrolment %s cannot advance: %s", walk_id, type(error).__name__)
        with transaction() as session:
            rows.put_off(session, walk_id, error=type(error).__name__, longest=_LONGEST_BACK_OFF, now=now)
        return 1


def _advance(session: Session, due: list[Walk], *, now: datetime) -> None:
    batch = Batch(versions.catalogue(session), now)
    for walk in due:
        if walk.is_timed_out(now):
            _time_out(session, batch, walk)
        else:
            if walk.is_waiting:
                walk.due_at = walk.timeout_at  # looked at too early: else it would be due again at once, for ever
            batch.moved[walk.id] = walk
    carrying.carry_out(session, batch)


def _time_out(session: Session, batch: Batch, walk: Walk) -> None:
    """End a wait by its time-out, but never before the reader has seen all that happened until then."""
    assert walk.step is not None and walk.timeout_at is not None, "a walk that waits stands at its step"
    step = batch.version(walk).graph.steps[walk.step]
    assert isinstance(step, Wait), "only a wait waits"
    if step.for_event and not readers.has_read(connection_of(session), READER, walk.customer_id, until=walk.timeout_at):
        walk.due_at = batch.now + _LOOK_AGAIN
        batch.moved[walk.id] = walk
        return
    detail = f"{step.for_event} did not happen in time." if step.for_event else "The time is over."
    carrying.end_wait(batch, walk, step.on_timeout, outcome="timeout", code="timeout", detail=detail)
