"""Tallies: how often something happened, by step, variant, arm and day."""

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from core.db import Connection


class Key(NamedTuple):
    """Whose tally it is; words that are missing are ''."""

    scope: str
    scope_id: UUID
    measure: str
    day: date
    step: str = ""
    variant: str = ""
    arm: str = ""
    channel: str = ""
    country: str = ""
    currency: str = ""


@dataclass(slots=True)
class Count:
    count: int = 0
    amount_minor: int = 0


@dataclass(slots=True)
class Counted:
    """What a batch adds, collected first and written once."""

    counts: dict[Key, Count] = field(default_factory=dict)

    def add(self, key: Key, *, count: int = 1, amount_minor: int = 0) -> None:
        known = self.counts.setdefault(key, Count())
        known.count += count
        known.amount_minor += amount_minor


def keep(connection: Connection, counts: Mapping[Key, Count]) -> None:
    """Add to the tallies, with one statement. effects: locks their rows in one order, whoever else adds to them"""
    if not counts:
        return
    keys = sorted(counts)
    columns = [list(column) for column in zip(*keys, strict=True)]
    values = [list(column) for column in zip(*(astuple(counts[key]) for key in keys), strict=True)]
    connection.execute(_ADD, [*columns, *values])


def of(
    connection: Connection, scope: str, scope_id: UUID, *, since: date | None = None, until: date | None = None
) -> Iterator[tuple[Key, Count]]:
    """The tallies of one journey, broadcast or campaign, between two days, both included."""
    values = {"scope": scope, "id": scope_id, "since": since or date.min, "until": until or date.max}
    for row in connection.execute(_SELECT, values):
        yield Key(*row[:10]), Count(*row[10:])


_COLUMNS = ", ".join(Key._fields)

_ADD = f"""
    INSERT INTO engage.tally AS t ({_COLUMNS}, count, amount_minor)
    SELECT * FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::date[], %s::text[], %s::text[], %s::text[], %s::text[],
                         %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    ON CONFLICT (scope, scope_id, step, variant, arm, channel, country, measure, day, currency)
    DO UPDATE SET count = t.count + excluded.count, amount_minor = t.amount_minor + excluded.amount_minor
"""  # noqa: S608 - constants only

_SELECT = f"""
    SELECT {_COLUMNS}, count, amount_minor FROM engage.tally
     WHERE scope = %(scope)s AND scope_id = %(id)s AND day BETWEEN %(since)s AND %(until)s
     ORDER BY day, measure, step, variant, arm, channel, country, currency
"""  # noqa: S608 - constants only
