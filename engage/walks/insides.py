"""Insides: what must be read to decide who of those that events let in may enter, a batch at a time."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from core.db import Connection, connection_of
from engage.contacting import policy
from engage.walks.entering import Entry, Inside
from insights.segments import loading
from insights.segments.facts import Facts


def load(session: Session, entries: Sequence[Entry], *, now: datetime) -> Inside:
    if not entries:
        return Inside(policy=policy.Policy())
    connection = connection_of(session)
    inside = Inside(policy=policy.current(session), facts=_facts(connection, entries, now))
    inside.barred = frozenset(customers.barred(session, {entry.customer_id for entry in entries}))
    inside.entered = _entered(connection, entries)
    inside.live = _live(connection, {entry.place for entry in entries if entry.version.graph.re_entry.field})
    inside.began_at = _began(connection, {entry.place for entry in entries if entry.version.graph.re_entry.seconds})
    return inside


def _facts(connection: Connection, entries: Sequence[Entry], now: datetime) -> dict[UUID, Facts]:
    """What the audiences ask for."""
    asking = [(entry.customer_id, entry.version.graph.audience) for entry in entries if entry.version.graph.audience]
    needs = {need for _, audience in asking for need in audience.needs}
    return loading.load(connection, needs, {customer_id for customer_id, _ in asking}, now)


def _entered(connection: Connection, entries: Sequence[Entry]) -> set[tuple[UUID, UUID, str]]:
    rows = connection.execute(
        """
        SELECT e.journey_id, e.customer_id, e.entry_key
          FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS k (journey_id, customer_id, entry_key)
          JOIN engage.enrolment e USING (journey_id, customer_id, entry_key)
        """,
        [
            [entry.version.journey_id for entry in entries],
            [entry.customer_id for entry in entries],
            [entry.key for entry in entries],
        ],
    )
    return {(row[0], row[1], row[2]) for row in rows}


def _live(connection: Connection, places: Collection[tuple[UUID, UUID]]) -> Counter[tuple[UUID, UUID]]:
    """How many walks each has that may still be woken; only a key of its own for each entry lets them be many."""
    if not places:
        return Counter()
    journey_ids, customer_ids = zip(*places, strict=True)
    rows = connection.execute(
        """
        SELECT e.journey_id, e.customer_id, count(*)
          FROM unnest(%s::uuid[], %s::uuid[]) AS k (journey_id, customer_id)
          JOIN engage.enrolment e USING (journey_id, customer_id)
         WHERE e.state <> 'ended' OR e.goal_until IS NOT NULL
         GROUP BY e.journey_id, e.customer_id
        """,
        [list(journey_ids), list(customer_ids)],
    )
    return Counter({(row[0], row[1]): row[2] for row in rows})


def _began(connection: Connection, places: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], datetime]:
    """When each began last, by the time of the event that let them in: a lag of ours shortens nobody's interval."""
    if not places:
        return {}
    journey_ids, customer_ids = zip(*places, strict=True)
    rows = connection.execute(
        """
        SELECT e.journey_id, e.customer_id, max(coalesce((e.context ->> 'at')::timestamptz, e.entered_at))
          FROM unnest(%s::uuid[], %s::uuid[]) AS k (journey_id, customer_id)
          JOIN engage.enrolment e USING (journey_id, customer_id)
         GROUP BY e.journey_id, e.customer_id
        """,
        [list(journey_ids), list(customer_ids)],
    )
    return {(row[0], row[1]): row[2] for row in rows}
