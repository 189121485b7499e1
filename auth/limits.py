"""Limits: how often something may be asked for, counted in our own rows, so that restarts and more workers change
nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from auth.models import LimitCounter
from core import crypto
from core.db import connection_of


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
    if not limits:
        return None
    keys = [key_of(limit, subject, now=now) for limit, subject in limits]
    indexes, ends = [index for index, _ in keys], [ends_at for _, ends_at in keys]
    mosts = [limit.most for limit, _ in limits]
    place = connection_of(session).execute(_TAKE, [indexes, ends, mosts]).fetchall()[0][0]
    return math.ceil((ends[place - 1] - now).total_seconds()) if place else None


_TAKE = "SELECT auth.count_limits(%b::bytea[], %b::timestamptz[], %b::int[])"


def is_counted(session: Session, limit: Limit, subject: str, *, now: datetime) -> bool:
    """Whether anything was counted for a subject in the window of just now, or a later one."""
    row = connection_of(session).execute(_COUNTED, [_index_of(limit, subject), now]).fetchone()
    return row is not None


_COUNTED = "SELECT 1 FROM auth.limit_counter WHERE subject = %b AND ends_at > %b LIMIT 1"


def key_of(limit: Limit, subject: str, *, now: datetime) -> tuple[bytes, datetime]:
    """Subject and end of the counter that stands for the window of just now, for a statement that reads it."""
    return _index_of(limit, subject), _end_of(limit, now)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` counters of windows that are over; returns how many."""
    key = tuple_(LimitCounter.subject, LimitCounter.ends_at)
    over = select(LimitCounter.subject, LimitCounter.ends_at).where(LimitCounter.ends_at <= now).limit(most)
    return len(session.execute(delete(LimitCounter).where(key.in_(over)).returning(LimitCounter.count)).all())


def _end_of(limit: Limit, now: datetime) -> datetime:
    seconds = limit.window.total_seconds()
    return datetime.fromtimestamp((math.floor(now.timestamp() / seconds) + 1) * seconds, UTC)


def _index_of(limit: Limit, subject: str) -> bytes:
    return crypto.blind_index(f"auth.limit.{limit.purpose}", subject)
