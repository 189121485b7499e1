"""History: what customers did in the year before, by which effects are planned."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import sqrt

import psycopg
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import connection_of
from engage.results.models import OrderHistory
from wallet.assets import exponent_of

_YEAR = timedelta(days=365)

#: Customers who ordered in so many days are those whom a journey may reach.
_REACHED_WITHIN = timedelta(days=90)

#: One customer in a thousand spends more; those few would drown what all others do.
_COUNTED_IN_FULL = 0.999

#: For a brand without a past: a bound that hardly anybody reaches, and a house of some size.
_BOUND_UNITS = 1_000
_FEWEST_CUSTOMERS = 1_000

#: A year of some millions of orders; whoever waits for the answer at the API waits twice as long at most.
_LONGEST_SECONDS = 6

#: Editors ask with every change of a drawing, and a year moves little in a day.
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class History:
    """What customers did in stretches of so many days in the year before `now`, from their first order in it on.

    bound_minor                  the 99.9th percentile of what one came to
    mean_minor, deviation_minor  of one stretch, no more than bound_minor each
    buyers                       the share of stretches with an order
    customers                    who ordered in the last 90 days
    """

    stretches: int
    customers: int
    bound_minor: int
    mean_minor: float
    deviation_minor: float
    buyers: float

    @property
    def expected(self) -> int:
        """How many customers a journey may reach, where nobody has said so."""
        return max(self.customers, _FEWEST_CUSTOMERS)


def of(session: Session, *, days: int, currency: str, now: datetime) -> History:
    """Look through the orders of the year before; of the last 90 days where the year's are too many to look through.

    effects  nothing is written; up to twelve seconds
    """
    for span in (_YEAR, _REACHED_WITHIN):
        try:
            with session.begin_nested():
                return _history(session, span, days=days, currency=currency, now=now)
        except psycopg.errors.QueryCanceled:
            continue
    return _unknown(currency)


def lately(session: Session, *, days: int, currency: str, now: datetime) -> History:
    """`of`, or what it said at most a day before.

    effects  what was looked through now is kept
    """
    query = select(OrderHistory).where(OrderHistory.currency == currency, OrderHistory.days == days)
    kept = session.scalar(query)
    if kept is not None and now - _KEPT < kept.as_of <= now:
        return History(
            kept.stretches, kept.customers, kept.bound_minor, kept.mean_minor, kept.deviation_minor, kept.buyers
        )
    found = of(session, days=days, currency=currency, now=now)
    values = {"as_of": now, **asdict(found)}
    adding = insert(OrderHistory).values(currency=currency, days=days, **values)
    session.execute(adding.on_conflict_do_update(index_elements=["currency", "days"], set_=values))
    return found


def _history(session: Session, span: timedelta, *, days: int, currency: str, now: datetime) -> History:
    """raises  QueryCanceled where it takes too long"""
    connection = connection_of(session)
    connection.execute(f"SET LOCAL statement_timeout = '{_LONGEST_SECONDS}s'")
    values = {
        "now": now,
        "since": now - span,
        "recent": now - _REACHED_WITHIN,
        "seconds": days * 86_400,
        "currency": currency,
        "above": 1 - _COUNTED_IN_FULL,
    }
    row = connection.execute(_HISTORY, values).fetchone()
    connection.execute("SET LOCAL statement_timeout = 0")
    assert row is not None, "an aggregate always answers with one row"
    stretches, customers, bound, bought, total, squares = row
    if not stretches:
        return _unknown(currency)
    mean = float(total) / stretches
    deviation = sqrt(max(float(squares) / stretches - mean**2, 0.0))
    return History(stretches, customers, max(bound, 1), mean, deviation, bought / stretches)


def _unknown(currency: str) -> History:
    return History(0, 0, _BOUND_UNITS * 10 ** exponent_of(currency), 0.0, 0.0, 0.0)


# Stretches are counted back from now; one without an order is 0, from the customer's first on. The bound is the value
# below which all but `above` of them lie; with so few that none lies above, the greatest.
_HISTORY = """
    WITH bought AS (
        SELECT customer_id, floor(extract(epoch FROM %(now)s - occurred_at) / %(seconds)s) AS stretch,
               sum((payload->>'total_minor')::bigint) AS minor, max(occurred_at) AS last_at
          FROM core.event
         WHERE name = 'order.completed' AND occurred_at > %(since)s AND occurred_at <= %(now)s
           AND customer_id IS NOT NULL AND payload->>'currency' = %(currency)s
         GROUP BY 1, 2),
    people AS (SELECT customer_id, max(stretch) + 1 AS stretches, max(last_at) AS last_at FROM bought GROUP BY 1),
    counted AS (
        SELECT coalesce(sum(stretches), 0)::bigint AS stretches,
               count(*) FILTER (WHERE last_at > %(recent)s) AS customers FROM people),
    bound AS (
        SELECT coalesce((
               SELECT minor FROM bought ORDER BY minor DESC
               OFFSET (SELECT floor(stretches * %(above)s)::bigint FROM counted) LIMIT 1), 0)::bigint AS minor)
    SELECT c.stretches, c.customers, b.minor, count(o.minor), coalesce(sum(least(o.minor, b.minor)), 0),
           coalesce(sum(least(o.minor, b.minor) ^ 2), 0)
      FROM counted c CROSS JOIN bound b LEFT JOIN bought o ON true
     GROUP BY c.stretches, c.customers, b.minor
"""
