"""Parking: an event that keeps failing stops its own subject for one reader, and nobody else.

Later events of the subject queue behind it, so order holds, until an operator retries or skips it.
"""

import traceback
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Connection
from core.events.log import LoggedEvent


class ReaderParked(Base):
    """One event that waits for an operator: the first of its subject failed, the others queue behind it."""

    __tablename__ = "reader_parked"
    __table_args__ = (Index("ix_reader_parked_subject", "reader", "subject"), {"schema": "core"})

    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    parked_at: Mapped[datetime]


def parked_subjects(connection: Connection, reader: str, events: Sequence[LoggedEvent]) -> set[str]:
    """Which of these events' subjects are parked for this reader."""
    if not events:
        return set()
    rows = connection.execute(
        "SELECT DISTINCT subject FROM core.reader_parked WHERE reader = %s AND subject = ANY(%s)",
        [reader, list({event.subject for event in events})],
    )
    return {row[0] for row in rows}


def park(connection: Connection, reader: str, event: LoggedEvent, *, error: Exception, now: datetime) -> None:
    """Stop this event's subject for this reader. The error's words may hold data: only its kind and place stay."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    place = f" at {frame.name}:{frame.lineno}" if frame else ""
    _keep(connection, reader, [event], error=f"{type(error).__name__}{place}", now=now)


def queue_behind(connection: Connection, reader: str, events: Sequence[LoggedEvent]) -> None:
    """Keep the later events of parked subjects in line."""
    _keep(connection, reader, events, error=None, now=None)


def _keep(
    connection: Connection, reader: str, events: Sequence[LoggedEvent], *, error: str | None, now: datetime | None
) -> None:
    if events:
        connection.execute(
            """
            INSERT INTO core.reader_parked (reader, event_id, subject, error, parked_at)
            SELECT %s, id, subject, %s, coalesce(%s, clock_timestamp())
              FROM unnest(%s::uuid[], %s::text[]) AS e (id, subject)
            ON CONFLICT DO NOTHING
            """,
            [reader, error, now, [event.id for event in events], [event.subject for event in events]],
        )
