"""Profiles: one view of each customer, kept from the log with one upsert a batch.

Seeing somebody is a least, a greatest or an earliest, so it may come twice and in any order: that is how what an
anonymous subject did is carried over whole, whenever it is found to be a customer. Only orders and money are counted,
and each of their events reaches its customer's slot exactly once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from core.events import LoggedEvent
from insights.profiles import sightings
from insights.profiles.sightings import Money, Sighting
from insights.profiles.touches import Touch


@dataclass(frozen=True, slots=True)
class Revenue:
    """net_minor: what was ordered less what was refunded."""

    currency: str
    ordered_minor: int
    refunded_minor: int

    @property
    def net_minor(self) -> int:
        return self.ordered_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Profile:
    customer_id: UUID
    phase: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    first_touch: Touch | None
    orders: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    revenue: Sequence[Revenue]
    traits: Mapping[str, Any]


def keep(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Bring profiles up to date with a batch of the log. A subject belongs to the customer it was linked to first."""
    connection = connection_of(session)
    found = sightings.fold(events)
    for customer_id, seen in _keep_subjects(connection, found.subjects, found.links):
        _merge(found.customers, customer_id, seen)
    _keep_customers(connection, found.customers)
    _keep_money(connection, found.money)
    _keep_traits(connection, found.traits)


def of(session: Session, customer_id: UUID) -> Profile:
    """What is known of a customer; nothing yet for one whom the reader has not come to.

    raises  NotFound
    """
    connection = connection_of(session)
    row = connection.execute(_FIND, [customer_id]).fetchone()
    if row is None:
        raise NotFound
    return Profile(
        customer_id=customer_id,
        phase=row[0],
        first_seen_at=row[1],
        last_seen_at=row[2],
        first_touch=Touch(row[3], row[4], row[5], row[6], row[7]) if row[3] else None,
        orders=row[8],
        first_order_at=row[9],
        last_order_at=row[10],
        revenue=[Revenue(**item) for item in row[11]],
        traits=row[12],
    )


def _merge(customers: dict[UUID, Sighting], customer_id: UUID, seen: Sighting) -> None:
    known = customers.setdefault(customer_id, seen)
    known.first_seen_at = min(known.first_seen_at, seen.first_seen_at)
    known.last_seen_at = max(known.last_seen_at, seen.last_seen_at)
    known.considered_at = min(filter(None, (known.considered_at, seen.considered_at)), default=None)
    touches = [touch for touch in (known.touch, seen.touch) if touch]
    known.touch = min(touches, key=lambda touch: (touch.at, touch.event_id), default=None)


def _keep_subjects(
    connection: Connection, subjects: Mapping[str, Sighting], links: Mapping[str, UUID]
) -> list[tuple[UUID, Sighting]]:
    """Store what subjects did; returns all that is known of those who are customers, now or already."""
    if not subjects:
        return []
    keys = sorted(subjects)
    columns = [keys, [links.get(key) for key in keys], *_columns([subjects[key] for key in keys])]
    rows = connection.execute(_UPSERT_SUBJECTS, columns).fetchall()
    return [
        (row[0], Sighting(row[1], row[2], row[3], Touch(row[4], row[5], *row[6:]) if row[4] else None))
        for row in rows
        if row[0] is not None
    ]


def _keep_customers(connection: Connection, customers: Mapping[UUID, Sighting]) -> None:
    if customers:
        keys = sorted(customers)
        seen = [customers[key] for key in keys]
        orders = [
            [item.orders for item in seen],
            [item.first_order_at for item in seen],
            [item.last_order_at for item in seen],
        ]
        connection.execute(_UPSERT_PROFILES, [keys, *_columns(seen), *orders])


def _columns(seen: Sequence[Sighting]) -> list[list[Any]]:
    touched = [item.touch for item in seen]
    return [
        [item.first_seen_at for item in seen],
        [item.last_seen_at for item in seen],
        [item.considered_at for item in seen],
        [touch and touch.at for touch in touched],
        [touch and touch.event_id for touch in touched],
        [touch and touch.source for touch in touched],
        [touch and touch.medium for touch in touched],
        [touch and touch.campaign for touch in touched],
    ]


def _keep_money(connection: Connection, money: Mapping[tuple[UUID, str], Money]) -> None:
    if money:
        keys = sorted(money)
        columns: list[list[Any]] = [
            [customer_id for customer_id, _ in keys],
            [currency for _, currency in keys],
            [money[key].ordered_minor for key in keys],
            [money[key].refunded_minor for key in keys],
        ]
        connection.execute(_UPSERT_REVENUE, columns)


def _keep_traits(connection: Connection, traits: Mapping[tuple[UUID, str], tuple[Any, datetime]]) -> None:
    if traits:
        keys = sorted(traits)
        columns: list[list[Any]] = [
            [customer_id for customer_id, _ in keys],
            [name for _, name in keys],
            [json.dumps(traits[key][0]) for key in keys],
            [traits[key][1] for key in keys],
        ]
        connection.execute(_UPSERT_TRAITS, columns)


_SIGHTED = """first_seen_at, last_seen_at, considered_at, touch_at, touch_event_id, touch_source, touch_medium,
              touch_campaign"""
_SIGHTED_ARRAYS = """%s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::uuid[], %s::text[],
                     %s::text[], %s::text[]"""

# Of two touches at one instant the one whose event has the smaller id is the first, whichever came in first.
_IS_EARLIER = """excluded.touch_at IS NOT NULL AND (kept.touch_at IS NULL
                 OR (excluded.touch_at, excluded.touch_event_id) < (kept.touch_at, kept.touch_event_id))"""
_SIGHT_AGAIN = """
    first_seen_at = least(kept.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at),
    considered_at = least(kept.considered_at, excluded.considered_at),
""" + ",\n".join(
    f"    {column} = CASE WHEN {_IS_EARLIER} THEN excluded.{column} ELSE kept.{column} END"
    for column in ("touch_at", "touch_event_id", "touch_source", "touch_medium", "touch_campaign")
)

_UPSERT_SUBJECTS = f"""
    INSERT INTO insights.subject AS kept (subject_id, customer_id, {_SIGHTED})
    SELECT * FROM unnest(%s::text[], %s::uuid[], {_SIGHTED_ARRAYS})
        ON CONFLICT (subject_id) DO UPDATE
       SET customer_id = coalesce(kept.customer_id, excluded.customer_id), {_SIGHT_AGAIN}
    RETURNING customer_id, {_SIGHTED}
"""  # noqa: S608 - constants only

_UPSERT_PROFILES = f"""
    INSERT INTO insights.profile AS kept (customer_id, {_SIGHTED}, orders, first_order_at, last_order_at)
    SELECT * FROM unnest(%s::uuid[], {_SIGHTED_ARRAYS}, %s::int[], %s::timestamptz[], %s::timestamptz[])
        ON CONFLICT (customer_id) DO UPDATE
       SET orders = kept.orders + excluded.orders,
           first_order_at = least(kept.first_order_at, excluded.first_order_at),
           last_order_at = greatest(kept.last_order_at, excluded.last_order_at), {_SIGHT_AGAIN}
"""  # noqa: S608 - constants only

_UPSERT_REVENUE = """
    INSERT INTO insights.revenue AS kept (customer_id, currency, ordered_minor, refunded_minor)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[])
        ON CONFLICT (customer_id, currency) DO UPDATE
       SET ordered_minor = kept.ordered_minor + excluded.ordered_minor,
           refunded_minor = kept.refunded_minor + excluded.refunded_minor
"""

_UPSERT_TRAITS = """
    INSERT INTO insights.trait AS kept (customer_id, name, value, at)
    SELECT customer_id, name, value::jsonb, at
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) AS t (customer_id, name, value, at)
        ON CONFLICT (customer_id, name) DO UPDATE SET value = excluded.value, at = excluded.at
     WHERE excluded.at >= kept.at
"""

_FIND = """
    SELECT coalesce(p.phase, 'discovery'), p.first_seen_at, p.last_seen_at, p.touch_at, p.touch_event_id,
           p.touch_source, p.touch_medium, p.touch_campaign, coalesce(p.orders, 0), p.first_order_at, p.last_order_at,
           coalesce((SELECT jsonb_agg(jsonb_build_object('currency', r.currency, 'ordered_minor', r.ordered_minor,
                                      'refunded_minor', r.refunded_minor) ORDER BY r.currency)
                       FROM insights.revenue r WHERE r.customer_id = c.id), '[]'),
           coalesce((SELECT jsonb_object_agg(t.name, t.value) FROM insights.trait t WHERE t.customer_id = c.id), '{}')
      FROM auth.customer c LEFT JOIN insights.profile p ON p.customer_id = c.id
     WHERE c.id = %s
"""
