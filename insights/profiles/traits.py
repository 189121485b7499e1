"""Traits: the latest value of each; `histories` keeps what it was before.

Only the reader of profiles writes them, and a customer's events reach it one after another, so what is read here stands
still until it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import announce_all
from core.events.announce import MAX_DEPTH
from insights.profiles import histories
from insights.profiles.events import TraitChanged
from insights.profiles.histories import Change, same
from insights.profiles.sightings import Report

#: The most traits of a customer: whoever reports more makes them up.
TRAITS = 100

_NO_EVENT = UUID(int=0)


def keep(
    session: Session, reports: Sequence[Report], *, now: datetime
) -> dict[tuple[UUID, str], tuple[datetime, UUID] | None]:
    """Bring traits up to date: each report takes its place by its time, whenever it comes in.

    returns  by customer and name, the order of the value that stood before, of all for which there was room
    effects  announces trait.changed where the latest value is another one now
    """
    before: dict[tuple[UUID, str], tuple[datetime, UUID] | None] = {}
    if not reports:
        return before
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
        before[customer_id, name] = known.order if known else None
        taken, behind = _take(known, list(group))
        late += behind
        changes += taken.changes
        if taken.latest is not None:
            latest.append(taken.latest)
    _write(connection, latest, [*histories.placed(connection, current, late), *changes])
    news = [report for report in latest if _is_news(current.get((report.customer_id, report.name)), report)]
    announce_all(session, [_told(report, now) for report in news if report.depth < MAX_DEPTH])
    return before


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
        if not is_known or not same(report.value, value):
            changes.append(report)
        value, is_known = report.value, True
    return _Taken(newer[-1] if newer else None, changes), late


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
        connection.execute(_UPSERT, histories.columns(latest))
    histories.add(connection, changes)


def _is_news(known: Change | None, report: Report) -> bool:
    return known is None or not same(known.value, report.value)


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
