"""Histories: what traits were, from when on, and who said so.

Only the reader of profiles writes them, as it writes traits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from insights.profiles.sightings import Report

#: The most values of a trait that are kept.
HISTORY = 200

#: Of a longer value (in characters of JSON) only that it was there is kept: the trait itself has it whole.
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Change:
    """A value that a trait took, and who said so: a source of events, or "journey"."""

    value: Any
    at: datetime
    event_id: UUID
    source: str

    @property
    def order(self) -> tuple[datetime, UUID]:
        return self.at, self.event_id


def history(session: Session, customer_id: UUID, name: str) -> list[Change]:
    """What a trait was from when on, the latest first; at most HISTORY values."""
    rows = connection_of(session).execute(
        """
        SELECT value, at, event_id, source FROM insights.trait_change
         WHERE customer_id = %s AND name = %s ORDER BY at DESC, event_id DESC LIMIT %s
        """,
        [customer_id, name, HISTORY],
    )
    changes = [Change(*row) for row in rows]
    # Two that came late together did not see each other: of a run of one value the earliest tells from when on it held.
    return [
        each
        for each, before in zip_longest(changes, changes[1:])
        if before is None or not same(each.value, before.value)
    ]


def placed(connection: Connection, current: Mapping[tuple[UUID, str], Change], late: Sequence[Report]) -> list[Report]:
    """What late reports add to the history: each itself, where the value before it was another one, and then what it
    hid: the latest value, which was not told again as long as nothing came between."""
    if not late:
        return []
    columns = [
        [report.customer_id for report in late],
        [report.name for report in late],
        [report.at for report in late],
        [report.event_id for report in late],
    ]
    found = []
    for place, before, has_after in connection.execute(_AROUND, columns):
        report = late[place - 1]
        known = current[report.customer_id, report.name]
        if (report.at, report.event_id) == known.order or (before and same(before[0], shortened(report.value))):
            continue
        found.append(report)
        if not has_after and not same(known.value, report.value):
            shown = (known.value, known.at, known.event_id, known.source)
            found.append(Report(report.customer_id, report.name, *shown, report.depth))
    return found


def add(connection: Connection, reports: Sequence[Report]) -> None:
    """Keep values that traits took, and of each trait no more than HISTORY."""
    if reports:
        short = [replace(report, value=shortened(report.value)) for report in reports]
        connection.execute(_ADD, columns(short))
        pairs = sorted({(report.customer_id, report.name) for report in reports})
        connection.execute(_PRUNE, [[each for each, _ in pairs], [name for _, name in pairs], HISTORY])


def columns(reports: Sequence[Report]) -> list[list[Any]]:
    return [
        [report.customer_id for report in reports],
        [report.name for report in reports],
        [json.dumps(report.value) for report in reports],
        [report.at for report in reports],
        [report.event_id for report in reports],
        [report.source for report in reports],
    ]


def shortened(value: Any) -> Any:
    """A value as the history has it: what is too long is told from another by its digest alone."""
    text = json.dumps(value, sort_keys=True)
    if len(text) <= LONGEST:
        return value
    return {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def same(one: Any, other: Any) -> bool:
    """Python takes 1 and true for equal, JSON does not."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


_ADD = """
    INSERT INTO insights.trait_change (customer_id, name, value, at, event_id, source)
    SELECT customer_id, name, value::jsonb, at, event_id, source
      FROM unnest(%s::uuid[], %s::text[], %b::text[], %s::timestamptz[], %s::uuid[], %s::text[])
           AS t (customer_id, name, value, at, event_id, source)
        ON CONFLICT DO NOTHING
"""

# The value before each, in a list as it may be null, and whether there is one after it.
_AROUND = """
    SELECT late.place, before.value, EXISTS (
           SELECT FROM insights.trait_change c
            WHERE c.customer_id = late.customer_id AND c.name = late.name
              AND (c.at, c.event_id) > (late.at, late.event_id))
      FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[])
           WITH ORDINALITY AS late (customer_id, name, at, event_id, place)
      LEFT JOIN LATERAL (
           SELECT jsonb_build_array(c.value) AS value FROM insights.trait_change c
            WHERE c.customer_id = late.customer_id AND c.name = late.name
              AND (c.at, c.event_id) <= (late.at, late.event_id)
            ORDER BY c.at DESC, c.event_id DESC LIMIT 1) before ON true
     ORDER BY late.place
"""

_PRUNE = """
    DELETE FROM insights.trait_change t
     USING unnest(%s::uuid[], %s::text[]) AS asked (customer_id, name)
     CROSS JOIN LATERAL (
           SELECT at, event_id FROM insights.trait_change c
            WHERE c.customer_id = asked.customer_id AND c.name = asked.name
            ORDER BY at DESC, event_id DESC OFFSET %s LIMIT 1) past
     WHERE t.customer_id = asked.customer_id AND t.name = asked.name AND (t.at, t.event_id) <= (past.at, past.event_id)
"""
