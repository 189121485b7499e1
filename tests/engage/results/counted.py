"""What the tests of results share: letting the reader count, and reading what it counted."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.db import connection_of, transaction
from core.delivery import progress
from core.delivery.models import Message
from core.events import readers
from engage.results import reactions, tallies
from engage.results.models import Outcome
from tests.engage.conftest import Scene

READER = reactions.READERS[0]


def count(scene: Scene) -> None:
    """Let walks and results read everything that is in the log."""
    readers.register([READER])
    scene.read()
    while readers.run_batch(READER, now=scene.now) or _is_behind():
        pass


def _is_behind() -> bool:
    with transaction() as session:
        return any(behind for name, behind in readers.lag(connection_of(session)) if name == READER.name)


def tallied(scope: str, scope_id: UUID, *words: str) -> dict[Any, tuple[int, int]]:
    """(count, amount) by measure and these words of the tally."""
    found: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    with transaction() as session:
        for key, counted in tallies.of(connection_of(session), scope, scope_id):
            named = found[key.measure if not words else (key.measure, *(getattr(key, word) for word in words))]
            named[0] += counted.count
            named[1] += counted.amount_minor
    return {name: (value[0], value[1]) for name, value in found.items()}


def outcomes(scope_id: UUID) -> dict[UUID, Outcome]:
    with transaction() as session:
        rows = session.scalars(select(Outcome).where(Outcome.scope_id == scope_id)).all()
        return {row.customer_id: row for row in rows}


def messages_of(customer_id: UUID) -> list[Message]:
    with transaction() as session:
        return list(session.scalars(select(Message).where(Message.customer_id == customer_id).order_by(Message.id)))


def deliver(message_id: UUID, now: datetime) -> None:
    """A provider says that it arrived."""
    with transaction() as session:
        message = progress.lock(session, message_id)
        assert message is not None
        progress.mark_delivered(session, message, provider_message_id=None, now=now)
