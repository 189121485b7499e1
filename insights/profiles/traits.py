"""Traits: the latest value of each, and what it was before.

Only the reader of profiles writes them, and a customer's events reach it one after another, so what is read here stands
still until it is written.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import announce_all
from core.events.announce import MAX_DEPTH
from insights.profiles.events import TraitChanged
from insights.profiles.sightings import Report

#: The most traits of a customer, and the most values of one that are kept: whoever reports more makes them up.
TRAITS, HISTORY = 100, 200

_NO_EVENT = UUID(int=0)


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
        if before is None or not _same(each.value, before.value)
    ]


def keep(session: Session, reports: Sequence[Report], *, now: datetime) -> None:
    """Bring traits up to date: each report takes its place by its time, whenever it comes in.

    effects  announces trait.changed where the latest value is another one now
    """
    if not reports:
        return
    connection = connection_of(session)
    ordered = sorted(reports, key=lambda report: (report.customer_id, report.name, report.at, report.event_id))
    current = _current(connection, ordered)
    room = _room(connection, ordered)
    late: list[Report] = []
    latest: list[Report] = []
    changes: list[Report] = []
    for (customer_id, name), group in groupby(ordered, key=lambda report: (report.customer_id, report.name)):
        known = current.get((customer_id, name))
        if known is None:
            if not room[customer_id]:
                continue
            room[customer_id] -= 1
        taken, behind = _take(known, list(group))
        late += behind
        changes += taken.changes
        if taken.latest is not None:
            latest.append(taken.latest)
    _write(connection, latest, [*_placed(connection, current, late), *changes])
    news = [report for report in latest if _is_news(current.get((report.customer_id, report.name)), report)]
    announce_all(session, [_told(report, now) for report in news if report.depth < MAX_DEPTH])


@dataclass(frozen=True, slots=True)
class _Taken:
    """The latest report, where there is a later one than before, and those by which the value changed."""

    latest: Report | None
    changes: list[Report]


def _take(known: Change | None, reports: Sequence[Report]) -> tuple[_Taken, list[Report]]:
    """(what the reports beyond the known one change, those that came late); reports: of one trait, in their order."""
    late = [report for report in reports if known and (report.at, report.event_id) <= known.order]
    changes: list[Report] = []
    value, is_known = (known.value, True) if known else (None, False)
    newer = reports[len(late) :]
    for report in newer:
        if not is_known or not _same(report.value, value):
            changes.append(report)
        value, is_known = report.value, True
    return _Taken(newer[-1] if newer else None, changes), late


def _placed(connection: Connection, current: Mapping[tuple[UUID, str], Change], late: Sequence[Report]) -> list[Report]:
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
    placed = []
    for place, before, has_after in connection.execute(_AROUND, columns):
        report = late[place - 1]
        known = current[report.customer_id, report.name]
        if (report.at, report.event_id) == known.order or (before and _same(before[0], report.value)):
            continue
        placed.append(report)
        if not has_after and not _same(known.value, report.value):
            shown = (known.value, known.at, known.event_id, known.source)
            placed.append(Report(report.customer_id, report.name, *shown, report.depth))
    return placed


def _current(connection: Connection, reports: Sequence[Report]) -> dict[tuple[UUID, str], Change]:
    pairs = sorted({(report.customer_id, report.name) for report in reports})
    rows = connection.execute(_CURRENT, [[each for each, _ in pairs], [name for _, name in pairs]]).fetchall()
    return {(row[0], row[1]): Change(row[2], row[3], row[4] or _NO_EVENT, row[5]) for row in rows}


def _room(connection: Connection, reports: Sequence[Report]) -> dict[UUID, int]:
    customers = {report.customer_id for report in reports}
    rows = connection.execute(_COUNT, [list(customers)]).fetchall()
    return dict.fromkeys(customers, TRAITS) | {row[0]: max(TRAITS - row[1], 0) for row in rows}


def _write(connection: Connection, latest: Sequence[Report], changes: Sequence[Report]) -> None:
    if latest:
        connection.execute(_UPSERT, _columns(latest))
    if changes:
        connection.execute(_ADD, _columns(changes))
        pairs = sorted({(report.customer_id, report.name) for report in changes})
        connection.execute(_PRUNE, [[each for each, _ in pairs], [name for _, name in pairs], HISTORY])


def _columns(reports: Sequence[Report]) -> list[list[Any]]:
    return [
        [report.customer_id for report in reports],
        [report.name for report in reports],
        [json.dumps(report.value) for report in reports],
        [report.at for report in reports],
        [report.event_id for report in reports],
        [report.source for report in reports],
    ]


def _is_news(known: Change | None, report: Report) -> bool:
    return known is None or not _same(known.value, report.value)


def _same(one: Any, other: Any) -> bool:
    """Python takes 1 and true for equal, JSON does not."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _told(report: Report, now: datetime) -> TraitChanged:
    """A value of many parts is not told again: whoever wants it reads the trait."""
    return TraitChanged(
        customer_id=report.customer_id,
        occurred_at=report.at,
        caused_by=report.event_id,
        depth=report.depth + 1,
        trait=report.name,
        value=None if isinstance(report.value, dict | list) else report.value,
        source=report.source,
    )


_CURRENT = """
    SELECT t.customer_id, t.name, t.value, t.at, t.event_id, t.source
      FROM unnest(%s::uuid[], %s::text[]) AS asked (customer_id, name)
      JOIN insights.trait t USING (customer_id, name)
"""

_COUNT = "SELECT customer_id, count(*) FROM insights.trait WHERE customer_id = ANY(%s) GROUP BY customer_id"

_UPSERT = """
    INSERT INTO insights.trait (customer_id, name, value, at, event_id, source)
    SELECT customer_id, name, value::jsonb, at, event_id, source
      FROM unnest(%s::uuid[], %s::text[], %b::text[], %s::timestamptz[], %s::uuid[], %s::text[])
           AS t (customer_id, name, value, at, event_id, source)
        ON CONFLICT (customer_id, name) DO UPDATE
       SET value = excluded.value, at = excluded.at, event_id = excluded.event_id, source = excluded.source
"""

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
