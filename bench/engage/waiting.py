"""Enrolments that wait: what a poll costs while nobody is due, and how fast all get through once all are.

Waiting must cost nothing: a poll reads as many pages with a hundred thousand waiting as with none. Getting through is
measured beside the bare statements: the due rows locked, ended and given the row of a step, as many a transaction.
"""

import os
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

from bench.database import fresh
from bench.figures import Figure
from bench.turns import connected, settle
from core import ids
from core.db import Connection, transaction
from core.events import readers
from engage import journeys
from engage.walks import rows
from engage.walks.reactions import READERS
from engage.walks.work import advance_due

#: BENCH_WAITING=350000 is the number of parcelvoy's issue 533.
WAITING = int(os.environ.get("BENCH_WAITING") or 100_000)
_BATCH = 50
_POLLS = 200

NONE = "the same poll while nobody waits"
BARE = f"the due rows locked, ended and given a step's row by bare SQL, {_BATCH} a transaction"


def measure() -> list[Figure]:
    now = datetime.now(UTC)
    with fresh() as settings:
        url = settings.database_url
        readers.register(READERS)
        version = _publish(now)
        with connected(url) as connection:
            none_us, none_pages = _poll(connection, now)
            _fill(connection, version, WAITING, timeout=now + timedelta(days=30))
            settle(url)
            idle_us, idle_pages = _poll(connection, now)
            connection.execute("UPDATE engage.enrolment SET due_at = %s, timeout_at = %s", [now, now])
            settle(url)
            tenths = _through(now)
            _fill(connection, version, WAITING // 10, timeout=now)
            bare = _bare(connection, now)
    rate = WAITING / sum(WAITING / 10 / each for each in tenths)
    pages = {"ours": {"pages": idle_pages}, "theirs": {"pages": none_pages}}
    flat = {"ours": {"slowest_tenth": min(tenths), "fastest_tenth": max(tenths)}}
    return [
        Figure("engage.waiting_poll_us", idle_us, "us", NONE, none_us, pages),
        Figure("engage.waiting_through", rate, "enrolments/s", BARE, bare, flat),
    ]


def _publish(now: datetime) -> tuple[UUID, UUID]:
    """(journey, version) of a plain delay before the end."""
    steps = {"rest": {"kind": "wait", "timeout_seconds": 86_400, "on_timeout": "bye"}, "bye": {"kind": "exit"}}
    graph: dict[str, Any] = {"entry": {"event": "order.completed"}, "first": "rest", "steps": steps}
    with transaction() as session:
        journey = journeys.create(session, name="Wait", holdout_bps=0, actor="bench", now=now)
        session.flush()
        version = journeys.publish(session, journey_id=journey.id, raw_graph=graph, actor="bench", now=now)
        return journey.id, version.id


def _fill(connection: Connection, version: tuple[UUID, UUID], number: int, *, timeout: datetime) -> None:
    """So many customers who stand at the delay, with the row of its step."""
    for begun in range(0, number, 10_000):
        some = min(10_000, number - begun)
        connection.execute(_WAITING, [*version, timeout, timeout, ids.block(some), ids.block(some), ids.block(some)])


def _poll(connection: Connection, now: datetime) -> tuple[float, float]:
    """Microseconds and pages of one poll while nobody is due."""
    plan = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {rows.ANY_DUE}", [now]).fetchone()
    assert plan is not None
    buffers = plan[0][0]["Plan"]
    took: list[float] = []
    for _ in range(_POLLS):
        begun = perf_counter()
        advance_due(now)
        took.append(perf_counter() - begun)
    return median(took) * 1_000_000, float(buffers["Shared Hit Blocks"] + buffers["Shared Read Blocks"])


def _through(now: datetime) -> list[float]:
    """Walks a second in each tenth of them, until none is due."""
    tenths: list[float] = []
    done, begun, since = 0, perf_counter(), 0
    while taken := advance_due(now):
        done += taken
        if done - since >= WAITING // 10:
            tenths.append((done - since) / (perf_counter() - begun))
            begun, since = perf_counter(), done
    return tenths


def _bare(connection: Connection, now: datetime) -> float:
    done, begun = 0, perf_counter()
    while taken := connection.execute(_END, [now, _BATCH, now]).rowcount:
        done += taken
    return done / (perf_counter() - begun)


_WAITING = """
    WITH walking AS (
      INSERT INTO engage.enrolment (id, journey_id, version_id, customer_id, entry_key, state, due_at, timeout_at, step,
                                    visit, step_entered_at, depth, entered_at)
      SELECT w.id, %s, %s, w.customer_id, '', 'waiting', %s, %s, 'rest', 1, now(), 0, now()
        FROM unnest(%s::uuid[], %s::uuid[]) AS w (id, customer_id)
      RETURNING id, customer_id)
    INSERT INTO engage.step_run (id, enrolment_id, customer_id, step, visit, kind, outcome, reasons, message_ids, at)
    SELECT r.id, w.id, w.customer_id, 'rest', 1, 'wait', 'waiting', '[]', '{}', now()
      FROM (SELECT id, customer_id, row_number() OVER () AS place FROM walking) w
      JOIN unnest(%s::uuid[]) WITH ORDINALITY AS r (id, place) USING (place)
"""

_END = """
    WITH due AS (
      SELECT id FROM engage.enrolment WHERE state <> 'ended' AND due_at <= %s
       ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED),
    ended AS (
      UPDATE engage.enrolment e SET state = 'ended', due_at = NULL, end_reason = 'exit'
        FROM due WHERE e.id = due.id RETURNING e.id, e.customer_id)
    INSERT INTO engage.step_run (id, enrolment_id, customer_id, step, visit, kind, outcome, reasons, message_ids, at)
    SELECT gen_random_uuid(), id, customer_id, 'bye', 2, 'exit', 'done', '[]', '{}', %s FROM ended
"""
