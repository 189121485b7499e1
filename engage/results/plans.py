"""Plans: how an effect will be measured, fixed before anybody can have looked.

Fixed are the window, the most that one customer counts for, and how many customers the interval is tuned to. All of
it is read off the year before, so that nothing in it follows from what the journey did.
"""

from datetime import datetime
from time import monotonic
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from engage.results import history
from engage.results.models import EffectPlan
from wallet.assets import brand_currency

#: Once in twenty experiments the interval may miss the truth on any day at all.
ALPHA = 0.05

#: Everybody, in basis points.
WHOLE_BPS = 10_000

_AT_ONCE = 20

#: Each looks through a year of orders, seconds for millions of them; the rest of the schedule waits meanwhile.
_LONGEST_SECONDS = 5.0


def fix_due(now: datetime) -> None:
    """Fix the plan of each live journey, broadcast on its way and campaign published to an audience. An entry point.

    Within a minute of publication, while nobody's window can be over: the shortest is a day.
    """
    until = monotonic() + _LONGEST_SECONDS
    with transaction() as session:
        waiting = connection_of(session).execute(_WITHOUT_PLAN, [_AT_ONCE]).fetchall()
    for scope, scope_id, held_bps, days, customers in waiting:
        with transaction() as session:
            fix(session, scope, scope_id, held_bps=held_bps, days=days, customers=customers, now=now)
        if monotonic() > until:
            return


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
    past = history.of(session, days=days, currency=currency, now=now)
    values = {
        "scope": scope,
        "scope_id": scope_id,
        "planned_at": now,
        "customers": customers or past.expected,
        "held_bps": held_bps,
        "outcome_days": days,
        "currency": currency,
        "bound_minor": past.bound_minor,
        "mean_minor": past.mean_minor,
        "deviation_minor": past.deviation_minor,
        "buyers": past.buyers,
    }
    session.execute(insert(EffectPlan).values(values).on_conflict_do_nothing())


def of(session: Session, scope: str, scope_id: UUID) -> EffectPlan | None:
    return session.get(EffectPlan, (scope, scope_id))


#: How long after a broadcast, or a campaign's publication, an order counts to it; a journey says so itself.
PUBLISHED_DAYS = 30

# Ended ones, too: they may have ended before anybody looked.
_WITHOUT_PLAN = f"""
    SELECT w.* FROM (
        SELECT 'journey' AS scope, id, holdout_bps, outcome_days, NULL::int AS customers
          FROM engage.journey WHERE status <> 'draft'
         UNION ALL
        SELECT 'broadcast', id, holdout_bps, {PUBLISHED_DAYS}, expected::int FROM engage.broadcast
         WHERE status IN ('scheduled', 'preparing', 'done')
         UNION ALL
        SELECT 'campaign', c.id, c.holdout_bps, {PUBLISHED_DAYS}, p.customers
          FROM (SELECT campaign_id, sum(asked)::int AS customers FROM rewards.code_batch
                 WHERE kind = 'mailing' GROUP BY campaign_id) p
          JOIN rewards.campaign c ON c.id = p.campaign_id
         WHERE c.holdout_bps > 0 AND p.customers > 0) w
     WHERE NOT EXISTS (SELECT FROM engage.effect_plan p WHERE p.scope = w.scope AND p.scope_id = w.id)
     ORDER BY w.id LIMIT %s
"""  # noqa: S608 - constants only
