"""Effects: what a journey or broadcast caused, told from what would have happened anyway by those held out.

Everybody who entered counts in the arm that was drawn for them, whatever they were sent (intention to treat), and only
once their window is over: so nobody's number moves any more, and the interval may be looked at every day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.results import plans, reading
from engage.results.models import EffectPlan
from engage.results.plans import History
from insights.statistics import power, ratios, samples, sequences
from insights.statistics.samples import Sample
from insights.statistics.sequences import Interval

#: Once in twenty experiments the interval may miss the truth on any day at all.
ALPHA = 0.05

TREATED, HOLDOUT = "treated", "holdout"

#: What happens is told within this time (a till without a connection has its own ways): then a window is really over.
_TOLD_WITHIN = timedelta(hours=1)

_WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Arm:
    """entered: in all; ripe: whose window is over, as all the rest. converted: reached the journey's goal

    variant  of those whom an A/B step gave one; '' for the others
    """

    arm: str
    variant: str
    entered: int
    ripe: int
    revenue: Sample
    buyers: Sample
    converted: Sample
    redeemed_minor: int

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(
            self.arm,
            "",
            self.entered + other.entered,
            self.ripe + other.ripe,
            self.revenue + other.revenue,
            self.buyers + other.buyers,
            self.converted + other.converted,
            self.redeemed_minor + other.redeemed_minor,
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """One measured difference between those treated and those held out.

    verdict   "more", "less", "none" (if there is any, it is smaller than `smallest`), or "too_few" to tell
    units     revenue: minor units a customer; buyers, converted: parts of one
    """

    interval: Interval | None
    smallest: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Effects:
    """evidence: that the arms are not as planned; None without a holdout

    variants  by variant, the revenue of those treated with it less that of those held out who were given it, too
    """

    plan: EffectPlan | None
    as_of: datetime
    arms: list[Arm]
    evidence: float | None
    revenue: Effect
    buyers: Effect
    converted: Effect
    variants: dict[str, Effect]
    ripe_treated: int
    cost_minor: int

    @property
    def is_alarming(self) -> bool:
        return self.evidence is not None and self.evidence >= ratios.ALARM


def of(session: Session, scope: str, scope_id: UUID, *, message_cost_minor: int, now: datetime) -> Effects:
    """What is known by now.

    message_cost_minor  of all messages so far; those who are not ripe have their share of it
    """
    plan = plans.of(session, scope, scope_id)
    connection = connection_of(session)
    unread = connection.execute(_FIRST_UNREAD, [reading.READER]).fetchone()
    # Where the reader is behind, a window is over only as far as it has read.
    as_of = min(now, unread[0] if unread and unread[0] else now) - _TOLD_WITHIN
    bound = plan.bound_minor if plan is not None else 0
    values = {"scope": scope, "id": scope_id, "as_of": as_of, "bound": bound}
    by_variant = [_arm(row) for row in connection.execute(_ARMS, values)]
    arms = [_named(by_variant, name) for name in sorted({arm.arm for arm in by_variant})]
    treated, held = _named(arms, TREATED), _named(arms, HOLDOUT)
    share = treated.ripe / treated.entered if treated.entered else 0.0
    deviation = plan.deviation_minor if plan else 0.0
    variants = {}
    for variant in sorted({arm.variant for arm in by_variant} - {""}):
        own = [arm for arm in by_variant if arm.variant == variant]
        pair = _named(own, TREATED).revenue, _named(own, HOLDOUT).revenue
        variants[variant] = _effect(plan, *pair, deviation=deviation)
    return Effects(
        plan=plan,
        as_of=as_of,
        arms=arms,
        evidence=_evidence(plan, treated, held),
        revenue=_effect(plan, treated.revenue, held.revenue, deviation=deviation),
        buyers=_effect(plan, treated.buyers, held.buyers, deviation=_of_share(plan.buyers if plan else 0.0)),
        converted=_effect(plan, treated.converted, held.converted, deviation=_of_share(held.converted.mean)),
        variants=variants,
        ripe_treated=treated.ripe,
        cost_minor=treated.redeemed_minor + round(message_cost_minor * share),
    )


@dataclass(frozen=True, slots=True)
class Smallest:
    """What could be seen by the time so many customers are ripe; None where nothing is known to reckon with."""

    customers: int
    held_bps: int
    days: int
    past: History
    revenue_minor: float | None
    buyers: float | None


def smallest(past: History, *, customers: int, held_bps: int, days: int) -> Smallest:
    """Before publication: the smallest effect on one customer that would be seen four times in five."""

    def seen(deviation: float) -> float | None:
        if not 0 < held_bps < _WHOLE_BPS or not deviation:
            return None
        return power.smallest(customers, held_share=held_bps / _WHOLE_BPS, deviation=deviation, alpha=ALPHA)

    return Smallest(customers, held_bps, days, past, seen(past.deviation_minor), seen(_of_share(past.buyers)))


def _effect(plan: EffectPlan | None, treated: Sample, held: Sample, *, deviation: float) -> Effect:
    if plan is None or not 0 < plan.held_bps < _WHOLE_BPS:
        return Effect(None, None, "too_few")
    rho2 = sequences.tuned_to(plan.customers, alpha=ALPHA)
    told = sequences.difference(treated, held, alpha=ALPHA, rho2=rho2)
    # As planned where the year before had orders to go by, else by how customers differ here.
    spread = deviation or held.deviation
    share = plan.held_bps / _WHOLE_BPS
    seen = power.smallest(plan.customers, held_share=share, deviation=spread, alpha=ALPHA) if spread else None
    return Effect(told, seen, _verdict(told, seen))


def _verdict(told: Interval | None, seen: float | None) -> str:
    if told is None:
        return "too_few"
    if told.low > 0:
        return "more"
    if told.high < 0:
        return "less"
    return "none" if seen is not None and -seen <= told.low and told.high <= seen else "too_few"


def _evidence(plan: EffectPlan | None, treated: Arm, held: Arm) -> float | None:
    """Over everybody who entered: a draw that went wrong shows long before anybody is ripe."""
    if plan is None or not 0 < plan.held_bps < _WHOLE_BPS:
        return None
    share = plan.held_bps / _WHOLE_BPS
    return ratios.evidence((treated.entered, held.entered), (1 - share, share))


def _named(arms: list[Arm], name: str) -> Arm:
    """An arm over all of these variants."""
    nobody = Sample(0, 0, 0)
    return sum((arm for arm in arms if arm.arm == name), Arm(name, "", 0, 0, nobody, nobody, nobody, 0))


def _arm(row: tuple[Any, ...]) -> Arm:
    arm, variant, entered, ripe, total, squares, buyers, converted, redeemed_minor = row
    return Arm(
        arm=arm,
        variant=variant,
        entered=entered,
        ripe=ripe,
        revenue=Sample(ripe, int(total), int(squares)),
        buyers=samples.of_claims(ripe, buyers),
        converted=samples.of_claims(ripe, converted),
        redeemed_minor=int(redeemed_minor),
    )


def _of_share(share: float) -> float:
    """The deviation of a claim that this share of customers fulfils."""
    return sqrt(share * (1 - share))


_ARMS = """
    SELECT arm, variant, count(*), count(*) FILTER (WHERE is_ripe), coalesce(sum(minor) FILTER (WHERE is_ripe), 0),
           coalesce(sum(minor * minor) FILTER (WHERE is_ripe), 0), count(*) FILTER (WHERE is_ripe AND orders > 0),
           count(*) FILTER (WHERE is_ripe AND is_converted), coalesce(sum(redeemed_minor) FILTER (WHERE is_ripe), 0)
      FROM (SELECT arm, variant, orders, is_converted, redeemed_minor, ripe_at <= %(as_of)s AS is_ripe,
                   greatest(least(revenue_minor - refunded_minor, %(bound)s), -%(bound)s)::numeric AS minor
              FROM engage.outcome WHERE scope = %(scope)s AND scope_id = %(id)s) o
     GROUP BY arm, variant ORDER BY arm, variant
"""

# The next event of each slot through the index, as readers find it.
_FIRST_UNREAD = """
    SELECT min(e.recorded_at)
      FROM core.reader_offset o
     CROSS JOIN LATERAL (
           SELECT recorded_at FROM core.event
            WHERE slot = o.slot AND (epoch, xid, seq) > (o.epoch, o.xid, o.seq)
            ORDER BY epoch, xid, seq LIMIT 1) e
     WHERE o.reader = %s
"""
