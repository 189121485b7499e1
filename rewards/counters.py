"""Limits: how often a campaign was used and for how much, counted so that no race can pass the cap.

A counter counts for its campaign's scope ("total", "customer:<id>", "store:<id>"), its measure ("uses", "amount") and
a period's bucket ("" for ever). Its cap is refreshed by each use, so that a campaign's new limit holds from then on.
All of them are locked in the order of their names, so that two transactions never wait for each other.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db import Connection
from rewards.errors import LimitReached

#: A counter's name: campaign, scope, measure, bucket.
Counted = tuple[UUID, str, str, str]

TOTAL = "total"
USES = "uses"
FOR_EVER = ""


@dataclass(frozen=True, slots=True)
class CountedUse:
    """What a use takes from a counter, and the most that may stand on it.

    units  add, cap: uses, or minor units of the campaign's currency where the measure is "amount"
    """

    counted: Counted
    add: int
    cap: int


def scope_of(customer_id: UUID) -> str:
    return f"customer:{customer_id}"


def lock(connection: Connection, caps: Mapping[Counted, int]) -> dict[Counted, int]:
    """What each counter has left under its cap, until this transaction ends: nobody else can use it meanwhile.

    effects  makes missing counters; inserts and locks in the order of names
    """
    if not caps:
        return {}
    names = sorted(caps)
    columns = _columns(names)
    # Almost all counters exist already, with this cap: they are left as they are, for the lock to find.
    connection.execute(_MAKE, [*columns, [caps[name] for name in names]])
    rows = connection.execute(_LOCK, columns)
    return {(row[0], row[1], row[2], row[3]): caps[row[0], row[1], row[2], row[3]] - row[4] for row in rows}


def use_all(connection: Connection, uses: Iterable[CountedUse]) -> None:
    """Count all of these uses, several of one counter together.

    raises  LimitReached where one would pass its cap, whatever the caller thought was left
    effects locks the counters in the order of their names; makes missing ones
    """
    adds: Tally[Counted] = Tally()
    caps: dict[Counted, int] = {}
    for use in uses:
        adds[use.counted] += use.add
        caps[use.counted] = use.cap
    if not caps:
        return
    names = sorted(caps)
    values = [[adds[name] for name in names], [caps[name] for name in names]]
    if connection.execute(_USE, [*_columns(names), *values]).rowcount < len(names):
        raise LimitReached


def add(connection: Connection, uses: Mapping[Counted, int]) -> None:
    """Count uses of counters that this transaction has locked.

    raises  LimitReached (ck_counter_cap) past the cap, whatever the caller thought was left
    """
    _change(connection, list(uses.items()))


def give_back(connection: Connection, counted: Sequence[tuple[Counted, int]]) -> None:
    """Take back what uses have counted, in the very buckets where they counted it."""
    _change(connection, [(name, -amount) for name, amount in counted])


def _change(connection: Connection, changes: Iterable[tuple[Counted, int]]) -> None:
    amounts: Tally[Counted] = Tally()
    for name, amount in changes:
        amounts[name] += amount
    names = sorted(name for name, amount in amounts.items() if amount)
    if names:
        columns = _columns(names)
        connection.execute(_LOCK, columns)
        connection.execute(_ADD, [*columns, [amounts[name] for name in names]])


def _columns(names: Sequence[Counted]) -> list[list[object]]:
    return [list(column) for column in zip(*names, strict=True)]


_NAMES = "campaign_id, scope, measure, bucket"

_MAKE = f"""
    INSERT INTO rewards.counter AS c ({_NAMES}, used, cap)
    SELECT {_NAMES}, 0, cap
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[])
           WITH ORDINALITY AS u ({_NAMES}, cap, position)
     ORDER BY position
        ON CONFLICT ({_NAMES}) DO UPDATE SET cap = excluded.cap
     WHERE c.cap <> excluded.cap AND c.used <= excluded.cap
"""  # noqa: S608 - constants only

_LOCK = f"""
    SELECT c.campaign_id, c.scope, c.measure, c.bucket, c.used
      FROM rewards.counter c
      JOIN unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS w ({_NAMES}) USING ({_NAMES})
     ORDER BY c.campaign_id, c.scope COLLATE "C", c.measure COLLATE "C", c.bucket COLLATE "C"
       FOR UPDATE OF c
"""  # noqa: S608 - constants only

_USE = f"""
    INSERT INTO rewards.counter AS c ({_NAMES}, used, cap)
    SELECT {_NAMES}, used, cap
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
           WITH ORDINALITY AS u ({_NAMES}, used, cap, position)
     ORDER BY position
        ON CONFLICT ({_NAMES}) DO UPDATE SET used = c.used + excluded.used, cap = excluded.cap
     WHERE c.used + excluded.used <= excluded.cap
"""  # noqa: S608 - constants only

_ADD = f"""
    UPDATE rewards.counter c
       SET used = c.used + u.amount
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[]) AS u ({_NAMES}, amount)
     WHERE (c.campaign_id, c.scope, c.measure, c.bucket) = (u.campaign_id, u.scope, u.measure, u.bucket)
"""  # noqa: S608 - constants only
