"""Calling: what a step tells a target, made after its transaction and never in the walk's way.

A call has its own id, the same at each try, by which the other side drops what it has had: a reply that is lost is told
again. Answers of 4xx but 408, 425 and 429 are final; anything else is tried five times in all. Whose calls are made is
`turns`' to say.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert
from sqlalchemy.orm import Session

from core import clock, ids, work
from core.conditions import values_at
from core.db import connection_of, transaction
from core.gateways import signatures, webhooks
from core.gateways.webhooks import Answered, Unreachable, Unsafe
from engage.journeys.webhooks import turns
from engage.journeys.webhooks.models import WebhookCall, WebhookTarget
from engage.journeys.webhooks.turns import Turn
from engage.steps import Run

#: When the next try is, after so many.
_AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))

#: Calls of one target at once; one alone where the last one failed.
_AT_ONCE = 4

#: After so long a turn ends, so that a fast target with many calls does not keep the others waiting either.
_TURN_SECONDS = 2.0

#: A turn, and three times what its last calls may take.
_LEASE = timedelta(seconds=60)

_NOT_FINAL = frozenset((408, 425, 429))

#: What could not be told by then is told no more.
_TOLD_WITHIN = timedelta(days=3)

_KEPT = timedelta(days=90)

#: Rows of one transaction of a sweep, and its transactions.
_SWEPT, _SWEEPS = 5_000, 200


@dataclass(frozen=True, slots=True)
class NewCall:
    """What a step tells a target. body: ids, times and chosen fields of the entry; nothing that tells who it is"""

    target_id: UUID
    step_run_id: UUID
    customer_id: UUID
    body: Mapping[str, Any]


def body_of(journey_id: UUID, run: Run, context: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """What a target is told of a step: ids, times, and the named fields of what brought the customer in."""
    payload = context.get("payload") or {}
    return {
        "journey_id": str(journey_id),
        "enrolment_id": str(run.enrolment_id),
        "customer_id": str(run.customer_id),
        "step": run.step,
        "at": run.at.isoformat(),
        "event": context.get("event"),
        "fields": {name: next(values_at(payload, name.split(".")), None) for name in fields},
    }


def enqueue_all(session: Session, new: Sequence[NewCall], *, now: datetime) -> None:
    """Let calls wait to be made once the transaction commits."""
    if new:
        session.execute(
            insert(WebhookCall),
            [
                {
                    "id": ids.new(), "target_id": one.target_id, "step_run_id": one.step_run_id,
                    "customer_id": one.customer_id, "body": dict(one.body), "state": "waiting", "due_at": now,
                    "made_at": now,
                }
                for one in new
            ],
        )  # fmt: skip


def call_due(now: datetime, *, may_be_local: bool) -> int:
    """Make calls that are due of the target whose turn it is; says how many. may_be_local: as for `webhooks.post`"""
    turn = turns.take(lease=_LEASE, now=now)
    if turn is None:
        return 0
    made, begun = 0, monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while not made or (not turn.is_over and monotonic() - begun < _TURN_SECONDS):
            number = _call_some(turn, pool, may_be_local=may_be_local, now=now)
            if not number:
                break
            made += number
    with transaction() as session:
        turns.end(session, turn, now=now)
    return made


def recover_lost(now: datetime) -> int:
    """Calls whose worker died are made again: their id tells the other side which they are. Those of a target that was
    closed are not made any more.
    """
    with transaction() as session:
        rows = work.lost_leases(session, WebhookCall, leased="calling", limit=100, now=now)
        for row in rows:
            again = {"state": "waiting", "due_at": now}
            ended = {"state": "failed", "due_at": None, "last_error": "lost with its worker"}
            columns = again if row.attempts <= len(_AGAIN) else ended
            for name, value in {**columns, "lease_token": None, "lease_until": None}.items():
                setattr(row, name, value)
    with transaction() as session:
        return len(rows) + connection_of(session).execute(_CLOSE, [_SWEPT, _SWEPT]).rowcount


def forget_old(now: datetime) -> None:
    """What has waited for three days, as its target rested, is told no more; what is over is kept for ninety days, as
    evidence.
    """
    for query, values in (
        (_TOO_LATE, [now - _TOLD_WITHIN, _SWEPT]),
        (_FORGET, [ids.least_at(now - _KEPT), _SWEPT]),
    ):
        for _ in range(_SWEEPS):
            with transaction() as session:
                if connection_of(session).execute(query, values).rowcount < _SWEPT:
                    break


def _call_some(turn: Turn, pool: ThreadPoolExecutor, *, may_be_local: bool, now: datetime) -> int:
    """The next calls of a turn, all at once."""
    with transaction() as session:
        token, rows = work.claim(
            session, WebhookCall, waiting="waiting", leased="calling", limit=1 if turn.failures else _AT_ONCE,
            lease=_LEASE, now=now, only=[WebhookCall.target_id == turn.target_id, _IS_ACTIVE],
        )  # fmt: skip
    answers = list(pool.map(lambda row: _call(row, turn, may_be_local=may_be_local), rows))
    with transaction() as session:
        for row, answer in zip(rows, answers, strict=True):
            turn.see(has_failed=_has_failed(answer))
            work.settle(session, WebhookCall, row.id, token, **_outcome(answer, row.attempts, now=now))
    return len(rows)


def _call(row: WebhookCall, turn: Turn, *, may_be_local: bool) -> Answered | Unreachable | None:
    """None: it must not be made any more."""
    body = json.dumps({"id": str(row.id), **row.body}, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pocketful",
        "Pocketful-Signature": signatures.sign(body, secret=turn.secret, at=clock.now()),
    }
    try:
        return webhooks.post(turn.url, body, headers, may_be_local=may_be_local)
    except Unsafe:
        return None


def _has_failed(answer: Answered | Unreachable | None) -> bool:
    """Whether it tells that the target can take no calls just now; a no to one call does not."""
    if isinstance(answer, Answered):
        return answer.status >= 500 or answer.status in _NOT_FINAL
    return answer is not None


def _outcome(answer: Answered | Unreachable | None, attempts: int, *, now: datetime) -> dict[str, Any]:
    """The columns that tell how a call went. attempts: with this one"""
    status = answer.status if isinstance(answer, Answered) else None
    reason = answer.reason if isinstance(answer, Unreachable) else None if status else "unsafe"
    if status is not None and 200 <= status < 300:
        return {"state": "done", "due_at": None, "status_code": status, "last_error": None}
    if not _has_failed(answer) or attempts > len(_AGAIN):
        return {"state": "failed", "due_at": None, "status_code": status, "last_error": reason}
    return {"state": "waiting", "due_at": now + _AGAIN[attempts - 1], "status_code": status, "last_error": reason}


_IS_ACTIVE = exists().where(WebhookTarget.id == WebhookCall.target_id, WebhookTarget.status == "active")

_CLOSE = """
    UPDATE engage.webhook_call SET state = 'failed', due_at = NULL, last_error = 'target_closed' WHERE id IN (
        SELECT c.id FROM engage.webhook_target t
         CROSS JOIN LATERAL (SELECT id FROM engage.webhook_call
                              WHERE target_id = t.id AND state = 'waiting' LIMIT %s FOR UPDATE SKIP LOCKED) c
         WHERE t.status = 'closed' LIMIT %s)
"""

_TOO_LATE = """
    UPDATE engage.webhook_call SET state = 'failed', due_at = NULL, last_error = 'too_late' WHERE id IN (
        SELECT id FROM engage.webhook_call WHERE state = 'waiting' AND made_at < %s
         ORDER BY made_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""

_FORGET = """
    DELETE FROM engage.webhook_call WHERE id IN (
        SELECT id FROM engage.webhook_call WHERE id < %s AND state IN ('done', 'failed') ORDER BY id LIMIT %s)
"""
