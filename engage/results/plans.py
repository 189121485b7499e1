"""Plans: how an effect will be measured, fixed before anybody can have looked.

Fixed are the window, the most that one customer counts for, and how many customers the interval is tuned to. All of
it is read off the year before, so that nothing in it follows from what the journey did.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from uuid import UUID

import psycopg
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from engage.results.models import EffectPlan
from wallet.assets import brand_currency, exponent_of

_YEAR = timedelta(days=365)

#: Customers who ordered in so many days are those whom a journey may reach.
_REACHED_WITHIN = timedelta(days=90)

#: One customer in a thousand spends more; those few would drown what all others do.
_COUNTED_IN_FULL = 0.999

#: For a brand without a past: a bound that hardly anybody reaches, and a house of some size.
_BOUND_UNITS = 1_000
_FEWEST_CUSTOMERS = 1_000

_AT_ONCE = 20

#: A year of some millions of orders; whoever waits for the answer at the API waits twice as long at most.
_LONGEST_SECONDS = 6


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


def history(session: Session, *, days: int, currency: str, now: datetime) -> History:
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


def fix_due(now: datetime) -> None:
    """Fix the plan of each live journey, and each broadcast on its way, that has none. An entry point.

    Within a minute of publication, while nobody's window can be over: the shortest is a day.
    """
    with transaction() as session:
        waiting = connection_of(session).execute(_WITHOUT_PLAN, [_AT_ONCE]).fetchall()
    for scope, scope_id, held_bps, days, customers in waiting:
        with transaction() as session:
            fix(session, scope, scope_id, held_bps=held_bps, days=days, customers=customers, now=now)


def fix(
    session: Session,
    scope: str,
    scope_id: UUID,
    *,
    held_bps: int,
    days: int,
    customers: int | None = None,
    now: datetime,
) -> None:
    """Fix how the effect is measured; a plan that stands stays.

    customers  how many it will reach, where that is known
    """
    currency = brand_currency()
    past = history(session, days=days, currency=currency, now=now)
    values = {
        "scope": scope,
        "scope_id": scope_id,
        "planned_at": now,
        "customers": customers or expected(past),
        "held_bps": held_bps,
        "outcome_days": days,
        "currency": currency,
        "bound_minor": past.bound_minor,
        "mean_minor": past.mean_minor,
        "deviation_minor": past.deviation_minor,
        "buyers": past.buyers,
    }
    session.execute(insert(EffectPlan).values(values).on_conflict_do_nothing())


def expected(past: History) -> int:
    """How many customers a journey may reach, where nobody has said so."""
    return max(past.customers, _FEWEST_CUSTOMERS)


def of(session: Session, scope: str, scope_id: UUID) -> EffectPlan | None:
    return session.get(EffectPlan, (scope, scope_id))


#: How long after a broadcast a customer's orders count to it; a journey says so itself.
BROADCAST_DAYS = 30

# Ended ones, too: they may have ended before anybody looked.
_WITHOUT_PLAN = f"""
    SELECT w.* FROM (
        SELECT 'journey' AS scope, id, holdout_bps, outcome_days, NULL::int AS customers
          FROM engage.journey WHERE status <> 'draft'
         UNION ALL
        SELECT 'broadcast', id, holdout_bps, {BROADCAST_DAYS}, expected::int FROM engage.broadcast
         WHERE status IN ('scheduled', 'preparing', 'done')) w
     WHERE NOT EXISTS (SELECT FROM engage.effect_plan p WHERE p.scope = w.scope AND p.scope_id = w.id)
     ORDER BY w.id LIMIT %s
"""  # noqa: S608 - constants only

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
