"""History: what customers did in the year before, by which effects are planned."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from math import sqrt

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import bounded
from core.db import transaction
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

#: A year of some millions of orders, and nobody waits.
_LONGEST = timedelta(seconds=6)

#: Somebody waits for the answer.
_WAITED_FOR = timedelta(milliseconds=300)

#: Editors ask with every change of a drawing, and a year moves little in a day.
_KEPT = timedelta(days=1)

#: Each takes twice _LONGEST at most, and other lines of the schedule wait meanwhile; it is looked again every minute.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class History:
    """What customers did in stretches of so many days in the year before `now`, from their first order in it on.

    bound_minor                  the 99.9th percentile of what one came to
    mean_minor, deviation_minor  of one stretch, no more than bound_minor each
    buyers                       the share of stretches with an order
    customers                    who ordered in the last 90 days
    as_of                        `now`; None: nobody has looked yet
    """

    as_of: datetime | None
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

    effects  nothing is written; up to twelve seconds, so nobody may wait for it
    """
    for span in (_YEAR, _REACHED_WITHIN):
        found = _history(session, span, within=_LONGEST, days=days, currency=currency, now=now)
        if found is not None:
            return found
    return _unknown(currency, as_of=now)


def lately(session: Session, *, days: int, currency: str, now: datetime) -> History:
    """What the year's orders say, or said at most a day before. Where they are too many to look through while somebody
    waits: what was known last, until `look_due` has done it.

    effects  what was looked through now is kept; what was not is asked for
    """
    kept = session.get(OrderHistory, (currency, days))
    is_fresh = kept is not None and kept.as_of is not None and now - _KEPT < kept.as_of <= now
    if kept is not None and (is_fresh or kept.asked_at is not None):
        return _as_kept(kept)
    found = _history(session, _YEAR, within=_WAITED_FOR, days=days, currency=currency, now=now)
    if found is not None:
        _keep(session, found, days=days, currency=currency, asked_at=None)
        return found
    known = _as_kept(kept) if kept is not None else _unknown(currency, as_of=None)
    _keep(session, known, days=days, currency=currency, asked_at=now)
    return known


def look_due(now: datetime) -> None:
    """Look through the orders that somebody asked for who could not wait so long. An entry point."""
    asked_for = select(OrderHistory.currency, OrderHistory.days).where(OrderHistory.asked_at.is_not(None))
    with transaction() as session:
        waiting = session.execute(asked_for.order_by(OrderHistory.asked_at).limit(_AT_ONCE)).all()
    for currency, days in waiting:
        with transaction() as session:
            found = of(session, days=days, currency=currency, now=now)
            _keep(session, found, days=days, currency=currency, asked_at=None)


def _keep(session: Session, found: History, *, days: int, currency: str, asked_at: datetime | None) -> None:
    values = {"asked_at": asked_at, **asdict(found)}
    adding = insert(OrderHistory).values(currency=currency, days=days, **values)
    session.execute(adding.on_conflict_do_update(index_elements=["currency", "days"], set_=values))


def _as_kept(kept: OrderHistory) -> History:
    return History(**{field.name: getattr(kept, field.name) for field in fields(History)})


def _history(
    session: Session, span: timedelta, *, within: timedelta, days: int, currency: str, now: datetime
) -> History | None:
    """None where it takes longer than `within`."""
    values = {
        "now": now,
        "since": now - span,
        "recent": now - _REACHED_WITHIN,
        "seconds": days * 86_400,
        "currency": currency,
        "above": 1 - _COUNTED_IN_FULL,
    }
    found = bounded.rows(session, _HISTORY, values, within=within)
    if found is None:
        return None
    [(stretches, customers, bound, bought, total, squares)] = found
    if not stretches:
        return _unknown(currency, as_of=now)
    mean = float(total) / stretches
    deviation = sqrt(max(float(squares) / stretches - mean**2, 0.0))
    return History(now, stretches, customers, max(bound, 1), mean, deviation, bought / stretches)


def _unknown(currency: str, *, as_of: datetime | None) -> History:
    return History(as_of, 0, 0, _BOUND_UNITS * 10 ** exponent_of(currency), 0.0, 0.0, 0.0)


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
