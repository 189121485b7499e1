"""A small event and what tests of the log do with it again and again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import text

from core import ids
from core.db import connection_of, transaction
from core.events import Event, Reader, announce_all, readers
from core.events.log import slot_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Counted(Event):
    name: ClassVar[str] = "count.raised"
    log_only: ClassVar[bool] = True
    number: int


def counted(number: int, customer_id: UUID) -> Counted:
    return Counted(number=number, customer_id=customer_id, occurred_at=NOW)


def write(customer_id: UUID, numbers: Sequence[int]) -> None:
    with transaction() as session:
        announce_all(session, [counted(number, customer_id) for number in numbers])


def two_in_one_slot() -> tuple[UUID, UUID]:
    first = ids.new()
    while slot_of(second := ids.new()) != slot_of(first):
        pass
    return first, second


def drain(reader: Reader) -> int:
    """Read on until nothing that was committed before this call is unread, whatever others hold the horizon back."""
    total = 0
    while taken := readers.run_batch(reader, now=NOW) or still_behind(reader):
        total += taken
    return total


def wait_for_the_horizon() -> None:
    """Until all that was committed stands below it: any transaction of the server, another database's too, holds it."""
    deadline = time.monotonic() + 30
    while True:
        with transaction() as session:
            above = session.scalar(
                text("SELECT count(*) FROM core.event WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())")
            )
        if not above:
            return
        assert time.monotonic() < deadline, "the horizon stays where it is"
        time.sleep(0.002)


def still_behind(reader: Reader) -> bool:
    with transaction() as session:
        return any(behind for name, behind in readers.lag(connection_of(session)) if name == reader.name)


def parked() -> list[tuple[str, str | None]]:
    with transaction() as session:
        rows = session.execute(text("SELECT subject, error FROM core.reader_parked ORDER BY event_id"))
        return [(row[0], row[1]) for row in rows]
