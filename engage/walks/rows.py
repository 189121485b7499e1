"""Walks in the database: loaded and kept a batch at a time.

Plain rows and plain SQL: a batch is a few hundred of them, and the ORM's unit of work costs ten times the statement.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent
from core.events.named import VOUCHER_REDEEMED
from engage.steps import Run
from engage.walks.walk import Walk

_COLUMNS = tuple(spec.name for spec in fields(Walk))
_LIST = ", ".join(_COLUMNS)
_VALUES = ", ".join("%s" for _ in _COLUMNS)
#: What moves after an enrolment began; a walk that moved has no failed attempts behind it.
_MOVING = ("state", "due_at", "step", "visit", "step_entered_at", "awaited_event", "timeout_at", "voucher_id",
           "voucher_redeemed_at", "caused_by", "depth", "trace", "ended_at", "end_reason")  # fmt: skip
_SET = ", ".join(f"{name} = %s" for name in _MOVING)


def lock_touched(session: Session, events: Sequence[LoggedEvent]) -> list[Walk]:
    """The walks that these events may move, locked in one order: who awaits one, and who holds what was redeemed."""
    if not events:
        return []
    redeemed = [event.payload.get("voucher_id") for event in events if event.name == VOUCHER_REDEEMED]
    return _walks(
        session,
        f"""
        SELECT {_LIST} FROM engage.enrolment
         WHERE id IN (SELECT e.id FROM engage.enrolment e
                        JOIN unnest(%s::uuid[], %s::text[]) AS seen (customer_id, name)
                          ON e.customer_id = seen.customer_id AND e.awaited_event = seen.name AND e.state = 'waiting'
                       UNION
                      SELECT e.id FROM engage.enrolment e WHERE e.voucher_id = ANY(%s::uuid[]) AND e.state <> 'ended')
         ORDER BY id FOR UPDATE
        """,  # noqa: S608 - constants only
        [[event.customer_id for event in events], [event.name for event in events], redeemed],
    )


def lock_due(session: Session, *, limit: int, now: datetime) -> list[Walk]:
    """The walks that are due, soonest first, locked; those that another worker holds are passed over."""
    return _walks(
        session,
        f"""
        SELECT {_LIST} FROM engage.enrolment
         WHERE state <> 'ended' AND due_at <= %s
         ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        """,  # noqa: S608 - constants only
        [now, limit],
    )


def entered_before(session: Session, keys: Sequence[tuple[UUID, UUID, str]]) -> set[tuple[UUID, UUID, str]]:
    """Which of these (journey, customer, entry key) have an enrolment."""
    if not keys:
        return set()
    journeys, customers, entry_keys = zip(*keys, strict=True)
    rows = connection_of(session).execute(
        """
        SELECT e.journey_id, e.customer_id, e.entry_key
          FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS k (journey_id, customer_id, entry_key)
          JOIN engage.enrolment e USING (journey_id, customer_id, entry_key)
        """,
        [list(journeys), list(customers), list(entry_keys)],
    )
    return {(row[0], row[1], row[2]) for row in rows}


def keep(session: Session, *, begun: Sequence[Walk], moved: Sequence[Walk], runs: Sequence[Run]) -> None:
    """Write walks and what their steps did. A walk that was begun elsewhere meanwhile fails on its UNIQUE key."""
    cursor = connection_of(session).cursor()
    if begun:
        cursor.executemany(
            f"INSERT INTO engage.enrolment ({_LIST}) VALUES ({_VALUES})",  # noqa: S608 - constants only
            [[getattr(walk, name) for name in _COLUMNS] for walk in begun],
        )
    if moved:
        cursor.executemany(
            f"UPDATE engage.enrolment SET {_SET}, attempts = 0, last_error = NULL WHERE id = %s",  # noqa: S608
            [[*(getattr(walk, name) for name in _MOVING), walk.id] for walk in moved],
        )
    if runs:
        cursor.executemany(_INSERT_RUN, [_run_values(run) for run in runs])


@dataclass(frozen=True, slots=True)
class Settled:
    """A wait that is over: which run of whose walk, and how it ended."""

    walk: Walk
    step: str
    visit: int
    outcome: str
    reasons: list[dict[str, Any]]


def settle_waits(session: Session, settled: Sequence[Settled]) -> list[UUID]:
    """Complete the runs of waits that are over; their ids come in the order given."""
    if not settled:
        return []
    rows = connection_of(session).execute(
        """
        UPDATE engage.step_run r SET outcome = over.outcome, reasons = over.reasons::jsonb
          FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[])
               AS over (enrolment_id, step, visit, outcome, reasons)
         WHERE r.enrolment_id = over.enrolment_id AND r.step = over.step AND r.visit = over.visit
        RETURNING r.enrolment_id, r.id
        """,
        [
            [one.walk.id for one in settled],
            [one.step for one in settled],
            [one.visit for one in settled],
            [one.outcome for one in settled],
            [json.dumps(one.reasons) for one in settled],
        ],
    )
    ids = {row[0]: row[1] for row in rows}
    return [ids[one.walk.id] for one in settled]


def put_off(session: Session, walk_id: UUID, *, error: str, longest: timedelta, now: datetime) -> None:
    """Let a walk that failed wait: a minute, then twice as long each time, at most `longest`."""
    connection_of(session).execute(
        """
        UPDATE engage.enrolment
           SET attempts = attempts + 1, last_error = %s,
               due_at = %s + least(interval '1 minute' * power(2, least(attempts, 20)), %s)
         WHERE id = %s AND state <> 'ended'
        """,
        [error, now, longest, walk_id],
    )


_INSERT_RUN = """
    INSERT INTO engage.step_run
           (id, enrolment_id, customer_id, step, visit, kind, outcome, reasons, voucher_id, message_ids, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s)
"""


def _run_values(run: Run) -> list[Any]:
    return [
        run.id, run.enrolment_id, run.customer_id, run.step, run.visit, run.kind, run.outcome, Jsonb(run.reasons),
        run.voucher_id, run.message_ids, run.at,
    ]  # fmt: skip


def _walks(session: Session, query: str, values: list[Any]) -> list[Walk]:
    return [Walk(*row) for row in connection_of(session).execute(query, values).fetchall()]
