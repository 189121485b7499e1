"""Limits: how often something may be asked for, counted in our own rows, so that restarts and more workers change
nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.models import LimitCounter
from core import crypto


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each window of time; windows begin at multiples of their length."""

    purpose: str
    most: int
    window: timedelta


def take(session: Session, limits: Sequence[tuple[Limit, str]], *, now: datetime) -> int | None:
    """Count one more for each subject in turn, up to the first that may have no more; the seconds that it has to wait.

    effects  the one that refuses counts too, those after it do not: who is stopped by a limit of their own uses up
             nobody else's. Call it with limits in one order everywhere: each row stays locked
    """
    for limit, subject in limits:
        wait = _take(session, limit, subject, now=now)
        if wait is not None:
            return wait
    return None


def is_counted(session: Session, limit: Limit, subject: str, *, now: datetime) -> bool:
    """Whether anything was counted for a subject in the window of just now."""
    return session.get(LimitCounter, key_of(limit, subject, now=now)) is not None


def key_of(limit: Limit, subject: str, *, now: datetime) -> tuple[bytes, datetime]:
    """Subject and end of the counter that stands for the window of just now, for a statement that reads it."""
    return _index_of(limit, subject), _end_of(limit, now)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` counters of windows that are over; returns how many."""
    key = tuple_(LimitCounter.subject, LimitCounter.ends_at)
    over = select(LimitCounter.subject, LimitCounter.ends_at).where(LimitCounter.ends_at <= now).limit(most)
    return len(session.execute(delete(LimitCounter).where(key.in_(over)).returning(LimitCounter.count)).all())


def _take(session: Session, limit: Limit, subject: str, *, now: datetime) -> int | None:
    ends_at = _end_of(limit, now)
    statement = insert(LimitCounter).values(subject=_index_of(limit, subject), ends_at=ends_at, count=1)
    counted = statement.on_conflict_do_update(
        index_elements=["subject", "ends_at"], set_={"count": LimitCounter.count + 1}
    )
    count = session.execute(counted.returning(LimitCounter.count)).scalar_one()
    return None if count <= limit.most else math.ceil((ends_at - now).total_seconds())


def _end_of(limit: Limit, now: datetime) -> datetime:
    seconds = limit.window.total_seconds()
    return datetime.fromtimestamp((math.floor(now.timestamp() / seconds) + 1) * seconds, UTC)


def _index_of(limit: Limit, subject: str) -> bytes:
    return crypto.blind_index(f"auth.limit.{limit.purpose}", subject)
