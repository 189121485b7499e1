"""Recording how calls ended: a whole group of them in one statement, with its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.delivery import progress, routes
from core.delivery.events import MessageEvent, MessageFailed, MessageInDoubt, MessageSent
from core.delivery.held import Ready, Taken
from core.delivery.routes import Ways
from core.events import announce_all
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry, Unknown

MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Ended:
    """One call that was made, and how it ended."""

    ready: Ready
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a message goes from here.

    needs_lease  False for what the provider surely did: that is a fact, also when the lease was lost meanwhile
    refused_by   the route to be remembered as surely not having it; None forgets those that were
    """

    state: str
    reason: str | None = None
    provider_message_id: str | None = None
    due_at: datetime | None = None
    needs_lease: bool = False
    refused_by: str | None = None


def record(session: Session, ways: Ways, token: UUID, ended: Sequence[Ended], *, now: datetime) -> None:
    """Move each message on by how its call ended.

    effects  announces what is new; counts for and against the routes
    """
    if not ended:
        return
    steps = [_step(one, ways, now=now) for one in ended]
    moved = _move(session, token, ended, steps, now=now)
    facts = [_fact(one, step, now=now) for one, step in zip(ended, steps, strict=True) if one.ready.message.id in moved]
    announce_all(session, [fact for fact in facts if fact is not None])
    routes.note(connection_of(session), ways, [(one.ready.route, one.outcome) for one in ended], now=now)


def back_off_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: 15 s, doubled each time, an hour at most; eight take half an hour."""
    return float(min(15 * 2 ** (attempts - 1), 3600))


def _step(ended: Ended, ways: Ways, *, now: datetime) -> _Step:
    message, route = ended.ready.message, ended.ready.route
    match ended.outcome:
        case Accepted(provider_message_id):
            return _Step("sent", provider_message_id=provider_message_id)
        case AddressDead(code) | Refused(code, permanent=True):
            return _Step("failed", code)
        case Unknown(reason):
            due_at = progress.looked_up_at(message.channel, now)
            return _Step("in_doubt", reason, due_at=due_at, needs_lease=True)
        case Retry(code) | Refused(code) if message.attempts >= MAX_ATTEMPTS:
            return _Step("failed", f"gave_up: {code}", needs_lease=True)
        case Retry(code) | Refused(code):
            # It surely was not taken, so another provider may have it at once; never after an unknown outcome.
            if ways.another([*message.refused_by, route], now):
                return _Step("pending", code, due_at=now, needs_lease=True, refused_by=route)
            after = ended.outcome.after_seconds if isinstance(ended.outcome, Retry) else None
            return _Step("pending", code, due_at=_later(message, after, now=now), needs_lease=True)


def _later(message: Taken, after_seconds: float | None, *, now: datetime) -> datetime:
    wait = after_seconds or back_off_seconds(message.attempts)
    # A provider may name any time; past a day it would be a fault of its clock or ours.
    return now + timedelta(seconds=min(wait, 86_400))


def _move(session: Session, token: UUID, ended: Sequence[Ended], steps: Sequence[_Step], *, now: datetime) -> set[UUID]:
    """Which of the messages moved: a receipt may have been first, or another worker, where the lease was lost."""
    # In the order of their ids, as whoever changes many takes them (core.delivery.withdrawing).
    moves = sorted(((one.ready.message.id, step) for one, step in zip(ended, steps, strict=True)), key=lambda m: m[0])
    columns: dict[str, list[Any]] = {
        "ids": [message_id for message_id, _ in moves],
        "states": [step.state for _, step in moves],
        "reasons": [step.reason for _, step in moves],
        "names": [step.provider_message_id for _, step in moves],
        "due": [step.due_at for _, step in moves],
        "leased": [step.needs_lease for _, step in moves],
        "refused": [step.refused_by for _, step in moves],
    }
    connection = connection_of(session)
    moved = {row[0] for row in connection.execute(_MOVE, {**columns, "token": token, "now": now})}
    overtaken = [
        (message_id, name)
        for message_id, name in zip(columns["ids"], columns["names"], strict=True)
        if name and message_id not in moved
    ]
    if overtaken:
        connection.execute(_NAME, [list(column) for column in zip(*overtaken, strict=True)])
    return moved


def _fact(ended: Ended, step: _Step, *, now: datetime) -> MessageEvent | None:
    message = ended.ready.message
    told = progress.facts(message, now=now)
    if step.state == "sent":
        return MessageSent(provider=ended.ready.route, country=message.country, **told)
    if step.state == "failed":
        is_dead = isinstance(ended.outcome, AddressDead)
        return MessageFailed(reason=step.reason or "", is_address_dead=is_dead, **told)
    return MessageInDoubt(reason=step.reason or "", **told) if step.state == "in_doubt" else None


# A message only moves forward: what it is in now is judged again once its row is ours.
_MOVE = """
    UPDATE core.message m
       SET state = step.state, last_error = step.reason,
           provider_message_id = coalesce(m.provider_message_id, step.name),
           due_at = coalesce(step.due_at, m.due_at),
           sent_at = CASE WHEN step.state = 'sent' THEN %(now)s ELSE m.sent_at END,
           settled_by = CASE WHEN m.state = 'in_doubt' THEN 'answer' ELSE m.settled_by END,
           refused_by = CASE WHEN step.state <> 'pending' THEN m.refused_by
                             WHEN step.refused IS NULL THEN '{}' ELSE m.refused_by || step.refused END,
           lease_token = NULL, lease_until = NULL
      FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[], %(names)s::text[],
                  %(due)s::timestamptz[], %(leased)s::boolean[], %(refused)s::text[])
           AS step (id, state, reason, name, due_at, needs_lease, refused)
     WHERE m.id = step.id
       AND CASE WHEN step.needs_lease THEN m.lease_token = %(token)s
                WHEN step.state = 'sent' THEN m.state IN ('pending', 'claimed', 'sending', 'in_doubt')
                ELSE m.state NOT IN ('delivered', 'failed', 'suppressed') END
    RETURNING m.id
"""

# A receipt overtook the answer: only the provider's name for the message is news.
_NAME = """
    UPDATE core.message m SET provider_message_id = taken.name
      FROM unnest(%s::uuid[], %s::text[]) AS taken (id, name)
     WHERE m.id = taken.id AND m.provider_message_id IS NULL
"""
