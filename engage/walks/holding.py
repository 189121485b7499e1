"""Holding: walks whose journey stands still with all who are inside are put off for good, and woken when it goes on.

Nothing looks at them meanwhile, however many there are and however long it takes.
"""

from datetime import UTC, datetime

from core.db import connection_of, transaction

#: When a walk is due that is held: never, as far as anybody can wait.
HELD = datetime(9999, 1, 1, tzinfo=UTC)

_WOKEN_AT_ONCE = 500


def wake(now: datetime) -> int:
    """Let the next of those be due again whose journeys have gone on; says how many there were.

    effects  a journey is done with once nobody is held in it, and no worker can be about that read it before it went on
    """
    with transaction() as session:
        connection = connection_of(session)
        woken = connection.execute(_WAKE, [now, _WOKEN_AT_ONCE]).rowcount
        if not woken:
            connection.execute(_DONE, [now])
        return woken


def wake_all(now: datetime) -> None:
    while wake(now):
        pass


# Who waits is not due before the wait is over: a hundred thousand who were would keep those of other journeys waiting.
# The time stands in the words, since an index of just those rows is found only by what is known when it is planned.
_IS_HELD = f"e.due_at = '{HELD.isoformat()}'"

_WAKE = f"""
    UPDATE engage.enrolment SET due_at = greatest(%s, CASE WHEN state = 'waiting' THEN timeout_at END)
     WHERE id IN (SELECT e.id FROM engage.journey j JOIN engage.enrolment e ON e.journey_id = j.id
                   WHERE {_IS_HELD} AND j.wakes_until IS NOT NULL AND NOT j.is_holding
                   ORDER BY e.id LIMIT %s FOR UPDATE OF e SKIP LOCKED)
"""  # noqa: S608 - constants only

_DONE = f"""
    UPDATE engage.journey j SET wakes_until = NULL
     WHERE j.wakes_until <= %s AND NOT j.is_holding
       AND NOT EXISTS (SELECT FROM engage.enrolment e WHERE e.journey_id = j.id AND {_IS_HELD})
"""  # noqa: S608 - constants only
