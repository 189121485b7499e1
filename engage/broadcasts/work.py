"""The due work of broadcasts: parts to be prepared, and cancelled ones whose messages are taken back."""

import logging
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids, work
from core.db import Connection, connection_of, transaction
from core.errors import Busy, DatabaseUnavailable, Refusal
from core.events import announce
from core.work import Work
from engage.broadcasts import cancelling, counting, drafting, preparing, stopping
from engage.broadcasts.events import BroadcastDone
from engage.broadcasts.models import CANCELLED, DONE, TAKING_BACK, WAITING, BroadcastPart
from engage.broadcasts.starting import LINE
from insights.segments import membership
from rewards.errors import BudgetExhausted, CampaignNotRunning

#: A chunk has a price of its own, some 26 statements, so that ever smaller ones would only take longer in all.
MOST_AT_ONCE, FEWEST_AT_ONCE = 200, 50

#: A transaction that writes for longer holds every reader of the log back for too long.
_LONG_SECONDS = 0.1

#: More than so many members who cannot be dealt with, and one in a hundred, are a fault of ours.
_MOST_TROUBLED = 5

_LONGEST_BACK_OFF = timedelta(minutes=10)

_log = logging.getLogger(__name__)

#: How many members this process deals with at once just now.
_chunk = 100


def work_off(now: datetime) -> int:
    """Take the part that waits longest one chunk further; says how many customers that were (0: nothing is due).

    A chunk that fails is tried again member by member, so that one customer's trouble is only their own, and the last
    of a budget goes to whom it suffices for. A campaign that gives no vouchers is nobody's: the broadcast stops.
    """
    global _chunk
    part_id: UUID | None = None
    begun = monotonic()
    try:
        with transaction() as session:
            part = _next(session, now=now)
            if part is None:
                return 0
            part_id = part.id
            dealt = _step(session, part, limit=_chunk, now=now)
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:
        if part_id is None:
            raise
        if isinstance(error, CampaignNotRunning):
            return _stop(part_id, error, now=now)
        if not isinstance(error, BudgetExhausted):
            # The error's own words may hold data, so only its kind stays.
            _log.error("part %s of a broadcast cannot go on: %s", part_id, type(error).__name__)
        return _one_by_one(part_id, now=now)
    _chunk = next_chunk(_chunk, seconds=monotonic() - begun)
    return max(dealt, 1)


WORK = [Work(LINE, work_off)]


def next_chunk(chunk: int, *, seconds: float) -> int:
    """Fewer at once after a long chunk, more after a short one."""
    if seconds > _LONG_SECONDS:
        return max(chunk * 2 // 3, FEWEST_AT_ONCE)
    return min(chunk * 5 // 4, MOST_AT_ONCE) if seconds < _LONG_SECONDS / 2 else chunk


def _next(session: Session, *, now: datetime) -> BroadcastPart | None:
    due: list[BroadcastPart] = work.lock_due(session, BroadcastPart, states=[WAITING, TAKING_BACK], limit=1, now=now)
    return due[0] if due else None


def _step(session: Session, part: BroadcastPart, *, limit: int, now: datetime) -> int:
    broadcast = drafting.find(session, part.broadcast_id)
    if part.state == TAKING_BACK:
        return cancelling.take_some_back(session, broadcast, part, now=now)
    dealt = preparing.prepare_some(session, broadcast, part, limit=limit, now=now)
    if part.state == DONE:
        _end(session, broadcast.id, now=now)
    return dealt


def _end(session: Session, broadcast_id: UUID, *, now: datetime) -> None:
    """The broadcast is done with its last part: two that end at once wait for each other here."""
    session.flush()
    broadcast = drafting.locked(session, broadcast_id)
    connection = connection_of(session)
    if connection.execute(_WAITS, [broadcast_id]).fetchone() or broadcast.status in (DONE, CANCELLED):
        return
    broadcast.status, broadcast.ended_at = DONE, now
    announce(
        session,
        BroadcastDone(
            occurred_at=now,
            broadcast_id=broadcast_id,
            segment_id=broadcast.segment_id,
            counts=counting.of(connection, broadcast_id),
        ),
    )


def _stop(part_id: UUID, refusal: Refusal, *, now: datetime) -> int:
    with transaction() as session:
        broadcast_id = session.get_one(BroadcastPart, part_id).broadcast_id
        stopping.stop(session, broadcast_id, reason=refusal.code, now=now)
    return 1


def _one_by_one(part_id: UUID, *, now: datetime) -> int:
    """Deal with the members of a chunk that failed each in a transaction of their own; who fails alone is passed over,
    with what is wrong among their reasons."""
    for dealt in range(_chunk):
        try:
            with transaction() as session:
                part = session.get(BroadcastPart, part_id, with_for_update=True)
                if part is None or not _is_due(part, now) or not _step(session, part, limit=1, now=now):
                    return dealt + 1
        except (Busy, DatabaseUnavailable):
            raise
        except (CampaignNotRunning, BudgetExhausted) as refusal:
            return _stop(part_id, refusal, now=now)
        except Exception as culprit:
            with transaction() as session:
                if not _leave_out(session, part_id, culprit, now=now):
                    return dealt + 1
    return _chunk


def _is_due(part: BroadcastPart, now: datetime) -> bool:
    """Whether it still is one's turn: it may have been stopped or cancelled between two members."""
    return part.state == WAITING and part.due_at is not None and part.due_at <= now


def _leave_out(session: Session, part_id: UUID, error: Exception, *, now: datetime) -> bool:
    """Pass over the member whose turn it is; False where the part is put off instead."""
    part = session.get(BroadcastPart, part_id, with_for_update=True)
    if part is None or not _is_due(part, now):
        return False
    broadcast = drafting.find(session, part.broadcast_id)
    connection = connection_of(session)
    turn = membership.page(connection, broadcast.segment_id, part.slot, part.cursor, 1)
    part.attempts, part.last_error = part.attempts + 1, type(error).__name__
    if not turn or _is_everybodys(connection, broadcast.id):
        part.due_at = now + min(timedelta(seconds=2 ** min(part.attempts, 10)), _LONGEST_BACK_OFF)
        return False
    part.cursor, part.done, part.attempts, part.due_at = turn[0], part.done + 1, 0, now
    part.counts = counting.added(part.counts, {"skipped:failed": 1})
    session.flush()
    connection.execute(_LEFT_OUT, [ids.new(), broadcast.id, turn[0], type(error).__name__, now])
    return True


def _is_everybodys(connection: Connection, broadcast_id: UUID) -> bool:
    """Whether so many have failed that it is no fault of theirs: then nobody more is passed over, and it waits."""
    row = connection.execute(_TROUBLES, [broadcast_id]).fetchone()
    failed, done = row if row else (0, 0)
    return bool(failed >= _MOST_TROUBLED + done // 100)


_WAITS = "SELECT 1 FROM engage.broadcast_part WHERE broadcast_id = %s AND state = 'waiting' LIMIT 1"

_TROUBLES = """
    SELECT coalesce(sum((counts->>'skipped:failed')::int), 0), coalesce(sum(done), 0)
      FROM engage.broadcast_part WHERE broadcast_id = %s
"""

_LEFT_OUT = """
    INSERT INTO engage.broadcast_send (id, broadcast_id, customer_id, arm, outcome, reasons, at)
    VALUES (%s, %s, %s, 'treated', 'skipped',
            jsonb_build_array(jsonb_build_object('code', 'failed', 'detail', 'It could not be prepared.',
                                                 'error', %s::text)), %s)
        ON CONFLICT DO NOTHING
"""
