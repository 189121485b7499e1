"""What runs when: each line of SCHEDULE fires by its cron expression, once over all workers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from croniter import croniter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, connection_of, transaction
from core.work import Schedule


class ScheduleFiring(Base):
    """When each line fired last."""

    __tablename__ = "schedule"
    __table_args__ = {"schema": "core"}

    name: Mapped[str] = mapped_column(primary_key=True)
    fired_at: Mapped[datetime]


def fire_due(lines: Sequence[Schedule], *, now: datetime) -> int:
    """Fire every line whose time has come since it last fired; returns how many this worker fired.

    A line that was missed while nobody ran fires once, not once for each time missed. A new line first waits for its
    next time.
    """
    with transaction() as session:
        rows = connection_of(session).execute("SELECT name, fired_at FROM core.schedule").fetchall()
    fired: dict[str, datetime] = dict(rows)
    due = [line for line in lines if line.name not in fired or _next(line, fired[line.name]) <= now]
    return sum(_fire(line, now=now) for line in due)


def _next(line: Schedule, fired_at: datetime) -> datetime:
    found: datetime = croniter(line.cron, fired_at.astimezone(UTC)).get_next(datetime)
    return found


def _fire(line: Schedule, *, now: datetime) -> bool:
    with transaction() as session:
        known = select(ScheduleFiring).where(ScheduleFiring.name == line.name).with_for_update(skip_locked=True)
        firing = session.execute(known).scalar_one_or_none()
        if firing is None:
            # Another worker holds the row just now, or it is new: then this makes it.
            session.execute(insert(ScheduleFiring).values(name=line.name, fired_at=now).on_conflict_do_nothing())
            return False
        if _next(line, firing.fired_at) > now:
            return False  # another worker was first
        firing.fired_at = now
    # Committed before it runs, so that it is at most once: what must not be missed is due work, not a schedule.
    line.run(now)
    return True
