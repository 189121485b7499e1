"""Turns: whose calls are made next.

A target has one turn at a time over all workers, and the one that has waited longest is next, so that a slow one delays
only itself. One that fails again and again rests, and its calls wait with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from core import crypto
from core.db import connection_of, transaction
from engage.journeys.webhooks.targets import SECRET_PLACE, URL_PLACE

#: So many calls that fail one after another let a target rest; then a single one tries.
MOST_FAILURES = 3

#: How long the first rest is; each one that follows is twice as long.
_REST, _LONGEST_REST = timedelta(seconds=30), timedelta(hours=1)


@dataclass(slots=True)
class Turn:
    """failures: of its calls in a row, up to now"""

    target_id: UUID
    token: UUID
    url: str
    secret: str
    failures: int

    @property
    def is_over(self) -> bool:
        """Whether so much has failed that nothing more is tried in it."""
        return self.failures >= MOST_FAILURES

    def see(self, *, has_failed: bool) -> None:
        """What came of one call."""
        self.failures = self.failures + 1 if has_failed else 0


def take(*, lease: timedelta, now: datetime) -> Turn | None:
    """The turn of the target that has waited longest; None where none has a call that is due.

    raises  what opening the target's seals raises: its turn is over then, and others come before it again
    """
    token = uuid4()
    with transaction() as session:
        row = connection_of(session).execute(_TAKE, [token, now + lease, now, now, now, now]).fetchone()
    if row is None:
        return None
    target_id, url, secret, failures = row

    def opened(session: Session, place: str, ciphertext: bytes) -> str:
        return crypto.unseal(session, owner_id=target_id, place=place, row_id=target_id, ciphertext=ciphertext)

    with transaction() as session:
        own = opened(session, URL_PLACE, url), opened(session, SECRET_PLACE, secret)
    return Turn(target_id, token, *own, failures)


def end(session: Session, turn: Turn, *, now: datetime) -> None:
    """Let others have it, unless the turn was lost meanwhile."""
    rests_until = now + rest_after(turn.failures) if turn.is_over else None
    connection_of(session).execute(_END, [turn.failures, rests_until, turn.target_id, turn.token])


def rest_after(failures: int) -> timedelta:
    """30 seconds after three, a minute after four, an hour at most."""
    rest = _REST
    for _ in range(MOST_FAILURES, min(failures, MOST_FAILURES + 10)):
        rest *= 2
    return min(rest, _LONGEST_REST)


# Its key stays free: walks that tell it something meanwhile name it.
_TAKE = """
    UPDATE engage.webhook_target t SET lease_token = %s, lease_until = %s, called_at = %s
      FROM (SELECT w.id FROM engage.webhook_target w
             WHERE w.status = 'active' AND coalesce(w.rests_until <= %s, true) AND coalesce(w.lease_until <= %s, true)
               AND EXISTS (SELECT FROM engage.webhook_call c
                            WHERE c.target_id = w.id AND c.state = 'waiting' AND c.due_at <= %s)
             ORDER BY w.called_at NULLS FIRST, w.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) AS next
     WHERE t.id = next.id
    RETURNING t.id, t.url, t.secret, t.failures
"""

_END = """
    UPDATE engage.webhook_target SET failures = %s, rests_until = %s, lease_token = NULL, lease_until = NULL
     WHERE id = %s AND lease_token = %s
"""
