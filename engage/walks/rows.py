"""Walks in the database: loaded and kept a batch at a time.

Plain rows and plain SQL: a batch is a few hundred of them, and the ORM's unit of work costs ten times the statement.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from core.db import connection_of
from engage.steps import Run
from engage.walks.effects import Settled
from engage.walks.walk import Walk

_COLUMNS = tuple(spec.name for spec in fields(Walk))
_LIST = ", ".join(_COLUMNS)
_VALUES = ", ".join("%s" for _ in _COLUMNS)
#: What moves after an enrolment began; a walk that moved has no failed attempts behind it.
_MOVING = ("state", "due_at", "step", "visit", "step_entered_at", "awaited_event", "timeout_at", "voucher_id",
           "voucher_redeemed_at", "caused_by", "depth", "trace", "ended_at", "end_reason", "variants", "goal_until",
           "converted_at", "conversion", "version_id", "moved_from")  # fmt: skip
_SET = ", ".join(f"{name} = %s" for name in _MOVING)
_JSON = frozenset(("context", "variants", "conversion"))


def lock_live(session: Session, customer_ids: Collection[UUID]) -> list[Walk]:
    """All that these customers may still be woken in, locked in one order.

    By the customer alone: what a walk waits for changes while its lock is waited for, and a condition on it would look
    at what it was before, so that the walk would sleep through its event.
    """
    if not customer_ids:
        return []
    return _walks(
        session,
        f"""
        SELECT {_LIST} FROM engage.enrolment
         WHERE customer_id = ANY(%s) AND (state <> 'ended' OR goal_until IS NOT NULL)
         ORDER BY id FOR UPDATE
        """,  # noqa: S608 - constants only
        [list(customer_ids)],
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


def is_any_due(session: Session, *, now: datetime) -> bool:
    """Whether a walk is due: all that a poll asks while a hundred thousand wait."""
    row = connection_of(session).execute(ANY_DUE, [now]).fetchone()
    return bool(row and row[0])


def keep(session: Session, *, begun: Iterable[Walk], moved: Iterable[Walk], runs: Sequence[Run]) -> None:
    """Write walks and what their steps did. A walk that was begun elsewhere meanwhile fails on its UNIQUE key.

    Those that moved come first: one that ended makes room for the next one of its customer.
    """
    cursor = connection_of(session).cursor()
    if changed := [[*(_value(walk, name) for name in _MOVING), walk.id] for walk in moved]:
        cursor.executemany(
            f"UPDATE engage.enrolment SET {_SET}, attempts = 0, last_error = NULL WHERE id = %s",  # noqa: S608
            changed,
        )
    # In their order: of two of one customer that began in one batch, only the last one may be open.
    if new := [[_value(walk, name) for name in _COLUMNS] for walk in begun]:
        cursor.executemany(
            f"INSERT INTO engage.enrolment ({_LIST}) VALUES ({_VALUES})",  # noqa: S608 - constants only
            new,
        )
    if runs:
        cursor.executemany(_INSERT_RUN, [_run_values(run) for run in runs])


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
        RETURNING r.enrolment_id, r.visit, r.id
        """,
        [
            [one.walk.id for one in settled],
            [one.step for one in settled],
            [one.visit for one in settled],
            [one.outcome for one in settled],
            [json.dumps(one.reasons) for one in settled],
        ],
    )
    ids = {(row[0], row[1]): row[2] for row in rows}
    return [ids[one.walk.id, one.visit] for one in settled]


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


# By the first of the index. Asked whether one exists, the planner takes a third of all rows for due and reads the table
# from its start, to its end when there is none.
ANY_DUE = "SELECT (SELECT due_at FROM engage.enrolment WHERE state <> 'ended' ORDER BY due_at LIMIT 1) <= %s"

_INSERT_RUN = """
    INSERT INTO engage.step_run
           (id, enrolment_id, customer_id, step, visit, kind, outcome, reasons, voucher_id, message_ids, at, variant)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s, %s)
"""


def _run_values(run: Run) -> list[Any]:
    return [
        run.id, run.enrolment_id, run.customer_id, run.step, run.visit, run.kind, run.outcome, Jsonb(run.reasons),
        run.voucher_id, run.message_ids, run.at, run.variant,
    ]  # fmt: skip


def _value(walk: Walk, name: str) -> Any:
    value = getattr(walk, name)
    return Jsonb(value) if name in _JSON and value is not None else value


def _walks(session: Session, query: str, values: list[Any]) -> list[Walk]:
    rows = connection_of(session).execute(query, values).fetchall()
    return [Walk(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]
