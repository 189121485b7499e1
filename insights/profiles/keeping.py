"""Profiles: one view of each customer, kept from the log with one upsert a batch.

Seeing somebody is a least, a greatest or an earliest, so it may come twice and in any order: that is how what an
anonymous subject did is carried over whole, whenever it is found to be a customer. Only orders and money are counted,
and each of their events reaches its customer's slot exactly once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from core.events import LoggedEvent
from insights.identities import claims, linking
from insights.profiles import rebuilds, sightings, traits
from insights.profiles.sightings import Money, Sighting, Sightings
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


@dataclass(frozen=True, slots=True)
class Kept:
    """What profiles took of a batch.

    visited  by customer, what linked visitors of theirs did of whom the batch tells
    traits   by customer and name, when the value was told that stood before; those without room are not among them
    """

    visited: Mapping[UUID, Sighting] = field(default_factory=dict)
    traits: Mapping[tuple[UUID, str], tuple[datetime, UUID] | None] = field(default_factory=dict)


def keep(session: Session, events: Sequence[LoggedEvent], now: datetime) -> Kept:
    """Bring profiles up to date with a batch of the log.

    effects  as `identities.linking.settle`; who lost a subject is to be rebuilt; announces trait.changed
    """
    connection = connection_of(session)
    found = sightings.fold(events)
    visited: dict[UUID, Sighting] = {}
    for customer_id, seen in _keep_subjects(session, found, now):
        sightings.merge(visited, customer_id, seen)
    for customer_id, seen in visited.items():
        sightings.merge(found.customers, customer_id, replace(seen))
    keep_customers(connection, found.customers)
    keep_money(connection, found.money)
    return Kept(visited, traits.keep(session, found.traits, now=now))


def sighted(connection: Connection, customer_ids: Sequence[UUID]) -> dict[UUID, Sighting]:
    """What stands in the profiles of customers; those of whom nothing is known are left out."""
    found: dict[UUID, Sighting] = {}
    for customer_id, orders, *seen in connection.execute(_SEEN, [customer_ids]):
        found[customer_id] = replace(sighting_of(*seen), orders=orders)
    return found


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


def _keep_subjects(session: Session, found: Sightings, now: datetime) -> list[tuple[UUID, Sighting]]:
    """Store what subjects did and whose they are; returns all that is known of those who are customers."""
    claimed = claims.best_of_each(found.claims)
    keys = sorted({*found.subjects, *(claim.subject_id for claim in claimed)})
    if not keys:
        return []
    connection = connection_of(session)
    linking.claim_all(connection, claimed)
    rows = connection.execute(_UPSERT_SUBJECTS, [keys, *_columns([found.subjects.get(key) for key in keys])]).fetchall()
    settled = linking.settle(session, [claim.subject_id for claim in claimed], now=now)
    for customer_id in sorted(settled.lost):
        rebuilds.ask(session, customer_id, now=now)

    owners = {row[0]: row[1] for row in rows} | settled.owners
    return [(owner, sighting_of(*row[2:])) for row in rows if row[2] and (owner := owners[row[0]])]


def sighting_of(*row: Any) -> Sighting:
    """What the columns of `Sighted` say, in their order."""
    return Sighting(row[0], row[1], row[2], Touch(*row[3:]) if row[3] else None)


def keep_customers(connection: Connection, customers: Mapping[UUID, Sighting]) -> None:
    if customers:
        keys = sorted(customers)
        seen = [customers[key] for key in keys]
        orders = [
            [item.orders for item in seen],
            [item.first_order_at for item in seen],
            [item.last_order_at for item in seen],
        ]
        connection.execute(_UPSERT_PROFILES, [keys, *_columns(seen), *orders])


def _columns(seen: Sequence[Sighting | None]) -> list[list[Any]]:
    touched = [item and item.touch for item in seen]
    return [
        [item and item.first_seen_at for item in seen],
        [item and item.last_seen_at for item in seen],
        [item and item.considered_at for item in seen],
        [touch and touch.at for touch in touched],
        [touch and touch.event_id for touch in touched],
        [touch and touch.source for touch in touched],
        [touch and touch.medium for touch in touched],
        [touch and touch.campaign for touch in touched],
    ]


def keep_money(connection: Connection, money: Mapping[tuple[UUID, str], Money]) -> None:
    if money:
        keys = sorted(money)
        columns: list[list[Any]] = [
            [customer_id for customer_id, _ in keys],
            [currency for _, currency in keys],
            [money[key].ordered_minor for key in keys],
            [money[key].refunded_minor for key in keys],
        ]
        connection.execute(_UPSERT_REVENUE, columns)


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
    INSERT INTO insights.subject AS kept (subject_id, {_SIGHTED})
    SELECT * FROM unnest(%s::text[], {_SIGHTED_ARRAYS})
        ON CONFLICT (subject_id) DO UPDATE SET {_SIGHT_AGAIN}
    RETURNING subject_id, customer_id, {_SIGHTED}
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

_SEEN = f"SELECT customer_id, orders, {_SIGHTED} FROM insights.profile WHERE customer_id = ANY(%s)"  # noqa: S608

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
