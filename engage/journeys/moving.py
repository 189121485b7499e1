"""Moving: those inside a version that was replaced are taken over into the new one, or sent out, in short pieces.

A walk keeps its visit numbers, so that (enrolment, step, visit) names one deed for ever. One that waits where the new
version waits for the same thing keeps the time that it has waited already; any other enters the new step afresh. The
goal is the new version's, its window counted from when the customer came in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from core import ids
from core.db import Connection, connection_of, transaction
from core.events import announce_all
from core.work import lock_due
from engage.journeys import versions
from engage.journeys.graph import Graph
from engage.journeys.models import VersionMove
from engage.steps import Step, Wait
from engage.walks.events import JourneyEnded, JourneyStepDone
from engage.walks.walk import variant_of

#: Walks of one transaction, which stays well under 100 ms.
_BATCH = 200

#: So long after the publication a reader that had begun before it may still let somebody into the old version.
_STRAGGLERS = timedelta(minutes=1)

#: How soon it is looked again whether all is counted that the new version's branches ask about.
_LOOK_AGAIN = timedelta(minutes=1)

MOVED, REPLACED = "moved", "version_replaced"


@dataclass(frozen=True, slots=True)
class _Standing:
    """One enrolment in the old version."""

    id: UUID
    customer_id: UUID
    arm: str
    state: str
    step: str
    visit: int
    step_entered_at: datetime
    variants: dict[str, str]
    caused_by: UUID | None
    depth: int
    trace: str | None


@dataclass(slots=True)
class _Changes:
    """What one piece writes. goal_within: of the new version; None where it has no goal"""

    now: datetime
    goal_within: timedelta | None = None
    out: list[_Standing] = field(default_factory=list)
    over: list[tuple[_Standing, str]] = field(default_factory=list)
    waiting_on: list[tuple[_Standing, str, Wait]] = field(default_factory=list)

    def left(self) -> list[_Standing]:
        """Those whose wait in the old version is over."""
        moved = [one for one, _ in self.over] + [one for one, _, _ in self.waiting_on]
        return [one for one in [*self.out, *moved] if one.state == "waiting"]


def move_due(now: datetime) -> int:
    """Take over or send out the next walks of the moves that are due; says how many were looked at."""
    with transaction() as session:
        moves = lock_due(session, VersionMove, states=["waiting"], limit=1, now=now, only=[_is_first()])
        return sum(_piece(session, move, now=now) for move in moves)


@cache
def _is_first() -> Any:
    """Of one journey's moves the earlier ones are done first, or they would bring in whom the later has passed."""
    earlier = aliased(VersionMove)
    query = select(earlier.id).where(
        earlier.journey_id == VersionMove.journey_id, earlier.id < VersionMove.id, earlier.state == "waiting"
    )
    return ~exists(query)


def _piece(session: Session, move: VersionMove, *, now: datetime) -> int:
    if move.to_id and not versions.is_counted(session, move.to_id, versions.graph_of(session, move.to_id)):
        move.due_at = now + _LOOK_AGAIN
        return 1
    standing = [_Standing(*row) for row in connection_of(session).execute(_NEXT, [move.from_id, move.reached, _BATCH])]
    if standing:
        move.reached = standing[-1].id
        move.due_at = now
        _carry_out(session, move, _decided(session, move, standing, now=now))
        return len(standing)
    if now < move.asked_at + _STRAGGLERS:
        move.reached, move.due_at = None, move.asked_at + _STRAGGLERS
    else:
        move.state, move.due_at = "done", None
    return 1


def _decided(session: Session, move: VersionMove, standing: Sequence[_Standing], *, now: datetime) -> _Changes:
    changes = _Changes(now)
    if move.how == "exit":
        changes.out.extend(standing)
        return changes
    assert move.to_id is not None, "a migration leads somewhere (ck_version_move_to)"
    old, new = versions.graph_of(session, move.from_id), versions.graph_of(session, move.to_id)
    changes.goal_within = new.goal.within if new.goal else None
    for one in standing:
        if one.step in move.map:
            _decide(changes, one, move.map, old, new)
    return changes


def _decide(changes: _Changes, one: _Standing, map_: Mapping[str, Any], old: Graph, new: Graph) -> None:
    to = map_[one.step]
    if to is None:
        changes.out.append(one)
        return
    here, there = old.steps.get(one.step), new.steps[to]
    if one.state == "waiting" and isinstance(there, Wait) and _waits_alike(here, there):
        changes.waiting_on.append((one, to, there))
    else:
        changes.over.append((one, to))


def _waits_alike(here: Step | None, there: Wait) -> bool:
    return isinstance(here, Wait) and here.for_event == there.for_event


def _carry_out(session: Session, move: VersionMove, changes: _Changes) -> None:
    connection, now = connection_of(session), changes.now
    settled = _settle(connection, move, changes.left(), now=now)
    if changes.out:
        connection.execute(_END, [now, REPLACED, [one.id for one in changes.out]])
    if changes.over:
        ids_, names = [one.id for one, _ in changes.over], [to for _, to in changes.over]
        connection.execute(_ENTER, [move.to_id, move.from_id, now, now, ids_, names])
    if changes.waiting_on:
        _wait_on(session, move, changes)
    if moved := [one.id for one, _ in changes.over] + [one.id for one, _, _ in changes.waiting_on]:
        connection.execute(_AIM, [changes.goal_within, moved])
    move.ended += len(changes.out)
    move.moved += len(moved)
    ended = [JourneyEnded(**_told(move, one, now=now), reason=REPLACED) for one in changes.out]
    announce_all(session, [*settled, *ended])


def _settle(
    connection: Connection, move: VersionMove, left: Sequence[_Standing], *, now: datetime
) -> list[JourneyStepDone]:
    """End the waits that are not waited out; what is to be told of them."""
    if not left:
        return []
    reason = json.dumps([{"code": MOVED, "detail": "The journey was published anew, and those inside were moved."}])
    columns = [[one.id for one in left], [one.step for one in left], [one.visit for one in left]]
    runs = {row[0]: row[1:] for row in connection.execute(_SETTLE, [MOVED, reason, *columns])}
    told = [(one, *runs[one.id]) for one in left if one.id in runs]
    return [
        JourneyStepDone(
            **_told(move, one, now=now), step_run_id=run_id, step=one.step, kind=kind, outcome=MOVED, variant=variant
        )
        for one, run_id, kind, variant in told
    ]


def _told(move: VersionMove, one: _Standing, *, now: datetime) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id, "occurred_at": now, "caused_by": one.caused_by, "depth": one.depth,
        "trace": one.trace, "journey_id": move.journey_id, "enrolment_id": one.id, "arm": one.arm,
    }  # fmt: skip


def _wait_on(session: Session, move: VersionMove, changes: _Changes) -> None:
    """Those who go on waiting: under the new version's time-out, counted from when they began to wait."""
    connection, waiting = connection_of(session), changes.waiting_on
    untils = [one.step_entered_at + step.timeout for one, _, step in waiting]
    names = [to for _, to, _ in waiting]
    connection.execute(_WAIT_ON, [move.to_id, move.from_id, [one.id for one, _, _ in waiting], names, untils])
    connection.execute(
        _BEGIN_WAIT,
        [
            changes.now,
            [ids.new() for _ in waiting],
            [one.id for one, _, _ in waiting],
            [one.customer_id for one, _, _ in waiting],
            names,
            [one.visit + 1 for one, _, _ in waiting],
            [variant_of(one.variants) for one, _, _ in waiting],
        ],
    )


_NEXT = """
    SELECT id, customer_id, arm, state, step, visit, step_entered_at, variants, caused_by, depth, trace
      FROM engage.enrolment
     WHERE version_id = %s AND state <> 'ended' AND step IS NOT NULL
       AND id > coalesce(%s, '00000000-0000-0000-0000-000000000000'::uuid)
     ORDER BY id LIMIT %s FOR UPDATE
"""

_SETTLE = """
    UPDATE engage.step_run r SET outcome = %s, reasons = %s::jsonb
      FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS over (enrolment_id, step, visit)
     WHERE r.enrolment_id = over.enrolment_id AND r.step = over.step AND r.visit = over.visit
    RETURNING r.enrolment_id, r.id, r.kind, r.variant
"""

_END = """
    UPDATE engage.enrolment SET state = 'ended', due_at = NULL, awaited_event = NULL, timeout_at = NULL,
           ended_at = %s, end_reason = %s
     WHERE id = ANY(%s)
"""

_ENTER = """
    UPDATE engage.enrolment e SET version_id = %s, moved_from = %s, state = 'ready', step = m.step, due_at = %s,
           step_entered_at = %s, awaited_event = NULL, timeout_at = NULL, attempts = 0, last_error = NULL
      FROM unnest(%s::uuid[], %s::text[]) AS m (id, step) WHERE e.id = m.id
"""

_WAIT_ON = """
    UPDATE engage.enrolment e SET version_id = %s, moved_from = %s, step = m.step, visit = e.visit + 1,
           timeout_at = m.until, due_at = m.until
      FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS m (id, step, until) WHERE e.id = m.id
"""

_BEGIN_WAIT = """
    INSERT INTO engage.step_run
           (id, enrolment_id, customer_id, step, visit, kind, outcome, reasons, message_ids, at, variant)
    SELECT id, enrolment_id, customer_id, step, visit, 'wait', 'waiting', '[]', '{}', %s, variant
      FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::text[])
           AS run (id, enrolment_id, customer_id, step, visit, variant)
"""

# Those who have converted have reached a goal already, which counts once.
_AIM = """
    UPDATE engage.enrolment
       SET goal_until = coalesce((context ->> 'at')::timestamptz, entered_at) + %s::interval
     WHERE id = ANY(%s) AND converted_at IS NULL
"""
