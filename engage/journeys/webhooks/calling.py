"""Calling: what a step tells a target, made after its transaction and never in the walk's way.

A call has its own id, the same at each try, by which the other side drops what it has had: a reply that is lost is told
again. Answers of 4xx but 408, 425 and 429 are final; anything else is tried five times in all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import clock, crypto, ids, work
from core.conditions import values_at
from core.db import connection_of, transaction
from core.gateways import signatures, webhooks
from core.gateways.webhooks import Answered, Unreachable, Unsafe
from engage.journeys.webhooks.models import WebhookCall, WebhookTarget
from engage.journeys.webhooks.targets import SECRET_PLACE, URL_PLACE
from engage.steps import Run

#: When the next try is, after so many.
_AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))

#: Called one after another by a worker, within the lease.
_BATCH = 3

_LEASE = timedelta(seconds=2 * (_BATCH + 1) * (webhooks.CONNECT_SECONDS + webhooks.READ_SECONDS))

_NOT_FINAL = frozenset((408, 425, 429))

_KEPT = timedelta(days=90)
_AT_ONCE = 5_000


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
    """Make the next calls that are due; says how many there were. may_be_local: as for `webhooks.post`"""
    with transaction() as session:
        token, rows = work.claim(
            session, WebhookCall, waiting="waiting", leased="calling", limit=_BATCH, lease=_LEASE, now=now
        )
        ready = [_ready(session, row) for row in rows]
    begun = monotonic()
    for row, made in zip(rows, ready, strict=True):
        if monotonic() - begun > _LEASE.total_seconds() / 2:
            break  # names were slow to resolve; what is left is made once its lease has run out
        answer = _call(row, made, may_be_local=may_be_local)
        with transaction() as session:
            work.settle(session, WebhookCall, row.id, token, **_outcome(answer, row.attempts, now=now))
    return len(rows)


def recover_lost(now: datetime) -> int:
    """Calls whose worker died are made again: their id tells the other side which they are."""
    with transaction() as session:
        rows = work.lost_leases(session, WebhookCall, leased="calling", limit=100, now=now)
        for row in rows:
            row.state, row.due_at, row.lease_token, row.lease_until = "waiting", now, None, None
        return len(rows)


def forget_old(now: datetime) -> None:
    """Calls that are over are kept for ninety days, as evidence; a few thousand at a time."""
    with transaction() as session:
        connection_of(session).execute(_FORGET, [ids.least_at(now - _KEPT), _AT_ONCE])


@dataclass(frozen=True, slots=True)
class _Ready:
    url: str
    secret: str


def _ready(session: Session, row: WebhookCall) -> _Ready | None:
    """Where a call goes; None where its target was closed meanwhile."""
    target = session.scalars(select(WebhookTarget).where(WebhookTarget.id == row.target_id)).one()
    if target.status != "active":
        return None

    def opened(place: str, ciphertext: bytes) -> str:
        return crypto.unseal(session, owner_id=target.id, place=place, row_id=target.id, ciphertext=ciphertext)

    return _Ready(opened(URL_PLACE, target.url), opened(SECRET_PLACE, target.secret))


def _call(row: WebhookCall, ready: _Ready | None, *, may_be_local: bool) -> Answered | Unreachable | None:
    """None: it must not be made any more."""
    if ready is None:
        return None
    body = json.dumps({"id": str(row.id), **row.body}, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pocketful",
        "Pocketful-Signature": signatures.sign(body, secret=ready.secret, at=clock.now()),
    }
    try:
        return webhooks.post(ready.url, body, headers, may_be_local=may_be_local)
    except Unsafe:
        return None


def _outcome(answer: Answered | Unreachable | None, attempts: int, *, now: datetime) -> dict[str, Any]:
    """The columns that tell how a call went. attempts: with this one"""
    status = answer.status if isinstance(answer, Answered) else None
    reason = answer.reason if isinstance(answer, Unreachable) else None if status else "target_closed_or_unsafe"
    if status is not None and 200 <= status < 300:
        return {"state": "done", "due_at": None, "status_code": status, "last_error": None}
    is_final = answer is None or (status is not None and status < 500 and status not in _NOT_FINAL)
    if is_final or attempts > len(_AGAIN):
        return {"state": "failed", "due_at": None, "status_code": status, "last_error": reason}
    return {"state": "waiting", "due_at": now + _AGAIN[attempts - 1], "status_code": status, "last_error": reason}


_FORGET = """
    DELETE FROM engage.webhook_call WHERE id IN (
        SELECT id FROM engage.webhook_call WHERE id < %s AND state IN ('done', 'failed') ORDER BY id LIMIT %s)
"""
