"""Days that customers have: their birthday, and each trait that is a day, told once a year as it begins for them.

A trait is a day as 1990-05-14 or 05-14; of the first kind only its anniversaries count, and the day itself. Those of
29 February have theirs on the 28th in other years. A birthday is sealed: it stands with the customer and is no trait.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import customers
from core.db import Connection, connection_of, transaction
from core.events import announce_all
from core.events.announce import OUR_SOURCE
from insights.segments.events import DateReached
from insights.segments.models import DateWatch
from wallet.assets import brand_time_zone

BIRTHDAY = "birthday"

#: Customers a transaction.
_AT_ONCE = 200

#: All of the world's midnights fall on quarters of an hour.
_EVERY = timedelta(minutes=15)

#: Whoever claimed a watch and died leaves it to others after this.
_LEASE = timedelta(minutes=5)

#: After an outage days are told late, but not older ones than this.
_LATEST = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class _Watch:
    trait: str
    days_before: int
    since: datetime
    last_day: date


def watch(session: Session, trait: str, *, days_before: int = 0, now: datetime) -> None:
    """Announce date.reached for this trait from now on, so many days before its day (0 to 60)."""
    values = {
        "trait": trait,
        "days_before": days_before,
        "since": now,
        "last_day": _begun_everywhere(now),
        "due_at": now,
    }
    session.execute(insert(DateWatch).values(values).on_conflict_do_nothing())


def tell_due(now: datetime) -> int:
    """Tell the days of one watch that have begun since it was looked at last; returns how many watches were due."""
    with transaction() as session:
        row = connection_of(session).execute(_CLAIM, {"now": now, "lease": now + _LEASE}).fetchone()
    if row is None:
        return 0
    watched = _Watch(*row)
    day = max(watched.last_day + timedelta(days=1), (now - _LATEST).date())
    while day <= _begun_somewhere(now):
        _tell(watched, day, now)
        day += timedelta(days=1)
    with transaction() as session:
        which = (DateWatch.trait == watched.trait, DateWatch.days_before == watched.days_before)
        due_at = datetime.fromtimestamp((now.timestamp() // _EVERY.total_seconds() + 1) * _EVERY.total_seconds(), UTC)
        session.execute(update(DateWatch).where(*which).values(last_day=_begun_everywhere(now), due_at=due_at))
    return 1


def _begun_everywhere(now: datetime) -> date:
    """The latest day that has begun in every time zone."""
    return (now.astimezone(UTC) - timedelta(hours=12)).date()


def _begun_somewhere(now: datetime) -> date:
    return (now.astimezone(UTC) + timedelta(hours=14)).date()


def _tell(watched: _Watch, day: date, now: datetime) -> None:
    """Tell everybody for whom this day has begun by now and who was not told."""
    named = day + timedelta(days=watched.days_before)
    for month_day in _month_days(named):
        after: UUID | None = None
        while True:
            with transaction() as session:
                found = _having(session, watched.trait, month_day, named, after)
                _announce(session, watched, found, day, named, now)
            if len(found) < _AT_ONCE:
                break
            after = found[-1]


def _month_days(named: date) -> Iterator[str]:
    yield f"{named:%m-%d}"
    if (named.month, named.day) == (2, 28) and (named + timedelta(days=1)).month == 3:
        yield "02-29"


def _having(session: Session, trait: str, month_day: str, named: date, after: UUID | None) -> list[UUID]:
    """The next customers who have such a day, in the order of their ids."""
    if trait == BIRTHDAY:
        return customers.with_birthday(session, month_day, after=after, limit=_AT_ONCE)
    asked = {"trait": trait, "month_day": month_day, "named": named.isoformat(), "after": after, "limit": _AT_ONCE}
    return [row[0] for row in connection_of(session).execute(_HAVING, asked)]


def _announce(session: Session, watched: _Watch, found: Sequence[UUID], day: date, named: date, now: datetime) -> None:
    connection = connection_of(session)
    begun = [
        customer_id for customer_id, zone in _zones(connection, found) if watched.since < _begins(day, zone) <= now
    ]
    told = [f"date:{watched.trait}:{watched.days_before}:{named}:{customer_id}" for customer_id in begun]
    # Under our own name, which no source of the ingest door can have: its messages must not pass for receipts of days.
    fresh = {row[0] for row in connection.execute(_RECEIVE, [OUR_SOURCE, told])} if told else set()
    announce_all(
        session,
        [
            DateReached(
                customer_id=customer_id,
                occurred_at=now,
                trait=watched.trait,
                day=named.isoformat(),
                days_before=watched.days_before,
            )
            for customer_id, receipt in zip(begun, told, strict=True)
            if receipt in fresh
        ],
    )


def _zones(connection: Connection, customer_ids: Sequence[UUID]) -> list[tuple[UUID, ZoneInfo]]:
    if not customer_ids:
        return []
    rows = connection.execute(_ZONES, [list(customer_ids)])
    return [(row[0], ZoneInfo(row[1] or brand_time_zone())) for row in rows]


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


_CLAIM = """
    UPDATE insights.date_watch w SET due_at = %(lease)s
      FROM (SELECT trait, days_before FROM insights.date_watch
             WHERE due_at <= %(now)s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
     WHERE w.trait = due.trait AND w.days_before = due.days_before
    RETURNING w.trait, w.days_before, w.since, w.last_day
"""

# By ix_trait_month_day. As text, days stand in the order of time.
_HAVING = """
    SELECT customer_id FROM insights.trait
     WHERE name = %(trait)s AND right(value #>> '{}', 5) = %(month_day)s
       AND jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$'
       AND (length(value #>> '{}') = 5 OR value #>> '{}' <= %(named)s)
       AND (%(after)s::uuid IS NULL OR customer_id > %(after)s)
     ORDER BY customer_id LIMIT %(limit)s
"""

_ZONES = "SELECT id, time_zone FROM auth.customer WHERE id = ANY(%s) AND status = 'active' ORDER BY id"

_RECEIVE = """
    INSERT INTO core.event_receipt (source, message_id) SELECT %s, t FROM unnest(%s::text[]) AS t
        ON CONFLICT DO NOTHING RETURNING message_id
"""
