"""Where those who ever entered a journey stand: counted when it is asked, or every ten minutes where they are many."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from core import bounded
from core.db import connection_of, transaction
from engage.journeys.models import JourneyCount

#: So many are counted while somebody waits for the answer: some tens of milliseconds.
MOST_COUNTED = 20_000

#: So long more of them are counted while somebody waits: they have become many since all were counted last.
_WAITED_FOR = timedelta(milliseconds=300)

#: Enrolments of one statement of a count of all.
_PAGE = 50_000

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many customers stand at a step of a version, or ended there, in one arm."""

    version_id: UUID
    state: str
    step: str | None
    end_reason: str | None
    is_held_out: bool
    customers: int


class _Place(NamedTuple):
    version_id: UUID
    state: str
    step: str | None
    end_reason: str | None
    is_held_out: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """counted_at: None where nobody has counted them yet: they are counted within ten minutes"""

    counts: list[StepCount]
    counted_at: datetime | None


def of_journey(session: Session, journey_id: UUID, *, now: datetime) -> Standing:
    """Where everyone who ever entered stands now, or stood ten minutes ago at most where they are many."""
    few = connection_of(session).execute(_FEW, [journey_id, MOST_COUNTED + 1])
    counts = [StepCount(*row) for row in few]
    if sum(one.customers for one in counts) <= MOST_COUNTED:
        return Standing(counts, now)
    kept = session.get(JourneyCount, journey_id)
    if kept is None:  # it has become large within ten minutes
        found = bounded.rows(session, _ALL, [journey_id], within=_WAITED_FOR)
        return Standing([], None) if found is None else Standing([StepCount(*row) for row in found], now)
    return Standing(
        [StepCount(**{**one, "version_id": UUID(one["version_id"])}) for one in kept.counts], kept.counted_at
    )


def count_all(now: datetime) -> None:
    """Count where those inside large journeys stand, a page of enrolments at a time and none of them twice."""
    found: dict[UUID, Counter[_Place]] = {}
    last: UUID | None = _FIRST
    if _after(_FIRST, MOST_COUNTED) is None:
        return
    while last is not None:
        to = _after(last, _PAGE)
        with transaction() as session:
            for journey_id, *place, number in connection_of(session).execute(_OF_PAGE, [last, to or _LAST]):
                found.setdefault(journey_id, Counter())[_Place(*place)] += number
        last = to
    kept = {
        journey_id: [
            {**place._asdict(), "version_id": str(place.version_id), "customers": number}
            for place, number in counter.items()
        ]
        for journey_id, counter in found.items()
        if counter.total() > MOST_COUNTED
    }
    with transaction() as session:
        values = [now, list(kept), [Jsonb(counts) for counts in kept.values()]]
        connection_of(session).execute(_KEEP, values)


def _after(enrolment_id: UUID, number: int) -> UUID | None:
    """The enrolment so many places after one; None where there are not so many."""
    with transaction() as session:
        row = connection_of(session).execute(_AFTER, [enrolment_id, number - 1]).fetchone()
        return row[0] if row else None


# In the order of an index, so that few of a journey are found without reading all the others'. For all of them that
# would be one page of the table each: 17 s for a million and not one (measured).
_FEW = """
    SELECT version_id, state, step, end_reason, is_held_out, count(*)
      FROM (SELECT version_id, state, step, end_reason, is_held_out FROM engage.enrolment
             WHERE journey_id = %s ORDER BY customer_id, entry_key LIMIT %s) AS e
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""

_ALL = """
    SELECT version_id, state, step, end_reason, is_held_out, count(*) FROM engage.enrolment WHERE journey_id = %s
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""

_AFTER = "SELECT id FROM engage.enrolment WHERE id > %s ORDER BY id OFFSET %s LIMIT 1"

# Bounded on both sides by the index: else each page would read all that lies behind it.
_OF_PAGE = """
    SELECT journey_id, version_id, state, step, end_reason, is_held_out, count(*) FROM engage.enrolment
     WHERE id > %s AND id <= %s
     GROUP BY 1, 2, 3, 4, 5, 6
"""

_KEEP = """
    INSERT INTO engage.journey_count (journey_id, counts, counted_at)
    SELECT journey_id, counts, %s FROM unnest(%s::uuid[], %s::jsonb[]) AS c (journey_id, counts)
        ON CONFLICT (journey_id) DO UPDATE SET counts = excluded.counts, counted_at = excluded.counted_at
"""
