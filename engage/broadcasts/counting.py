"""Counting: how many customers of a broadcast were dealt with, by what became of them.

Each part notes its own, in the transaction that deals with them, so that telling them asks for 64 rows and not for a
million sends.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.db import Connection
from engage.outgoing import Reason


def became(outcome: str, arm: str, reasons: Sequence[Reason]) -> str:
    """ "sent", and of those who got nothing why: "held_out:holdout", "skipped:no_consent". The last reason is the one
    that ended it."""
    if outcome == "sent":
        return outcome
    why = arm if outcome == "held_out" and arm != "treated" else reasons[-1]["code"] if reasons else ""
    return f"{outcome}:{why}" if why else outcome


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """What a part has counted, with so many more; fewer, where a number is negative."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in sorted({*counts, *more})}


def of(connection: Connection, broadcast_id: UUID) -> dict[str, int]:
    """All parts together."""
    return dict(connection.execute(_COUNTS, [broadcast_id]).fetchall())


_COUNTS = """
    SELECT name, sum(number::int)::int
      FROM engage.broadcast_part, jsonb_each_text(counts) AS counted (name, number)
     WHERE broadcast_id = %s GROUP BY name HAVING sum(number::int) <> 0 ORDER BY name
"""
