"""Limits: how often something may be asked for, counted in our own rows, so that restarts and more workers change
nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.sign_in_models import LimitCounter
from core import crypto


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each window of time; windows begin at multiples of their length."""

    purpose: str
    most: int
    window: timedelta


def take(session: Session, limits: Sequence[tuple[Limit, str]], *, now: datetime) -> int | None:
    """Count one more for each subject; the seconds to wait when that is more than one of them may.

    effects  what is refused counts too. Call it with limits in one order everywhere: each row stays locked
    """
    waits = [wait for limit, subject in limits if (wait := _take(session, limit, subject, now=now)) is not None]
    return max(waits, default=None)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` counters of windows that are over; returns how many."""
    key = tuple_(LimitCounter.subject, LimitCounter.ends_at)
    over = select(LimitCounter.subject, LimitCounter.ends_at).where(LimitCounter.ends_at <= now).limit(most)
    return len(session.execute(delete(LimitCounter).where(key.in_(over)).returning(LimitCounter.count)).all())


def _take(session: Session, limit: Limit, subject: str, *, now: datetime) -> int | None:
    seconds = limit.window.total_seconds()
    ends_at = datetime.fromtimestamp((math.floor(now.timestamp() / seconds) + 1) * seconds, UTC)
    index = crypto.blind_index(f"auth.limit.{limit.purpose}", subject)
    statement = insert(LimitCounter).values(subject=index, ends_at=ends_at, count=1)
    counted = statement.on_conflict_do_update(
        index_elements=["subject", "ends_at"], set_={"count": LimitCounter.count + 1}
    )
    count = session.execute(counted.returning(LimitCounter.count)).scalar_one()
    return None if count <= limit.most else math.ceil((ends_at - now).total_seconds())
