"""Effects: what a journey or broadcast caused, told from what would have happened anyway by those held out.

Everybody who entered counts in the arm that was drawn for them, whatever they were sent (intention to treat), and only
once their window is over: so nobody's number moves any more, and the interval may be looked at every day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.results import arms, plans, reading
from engage.results.arms import HOLDOUT, TREATED, Arm
from engage.results.models import EffectPlan
from engage.results.plans import ALPHA, WHOLE_BPS
from engage.results.smallest import deviation_of_share
from insights.statistics import power, ratios, sequences
from insights.statistics.samples import Sample
from insights.statistics.sequences import Interval

#: What happens is told within this time (a till without a connection has its own ways): then a window is really over.
_TOLD_WITHIN = timedelta(hours=1)


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
class VariantEffect:
    """The revenue of those treated for whom a variant was drawn as they entered, whether they came to its step or not.

    revenue  less that of those held out for whom it was drawn, too
    others   less that of those treated for whom another one was drawn: nobody need be held out for that
    """

    revenue: Effect
    others: Effect


@dataclass(frozen=True, slots=True)
class Effects:
    """evidence: that the arms are not as planned; None without a holdout

    variants  by variant, of a journey's first A/B step
    """

    plan: EffectPlan | None
    as_of: datetime
    arms: list[Arm]
    evidence: float | None
    revenue: Effect
    buyers: Effect
    converted: Effect
    variants: dict[str, VariantEffect]
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
    bound_minor = plan.bound_minor if plan is not None else 0
    by_variant = arms.of(connection, scope, scope_id, bound_minor=bound_minor, as_of=as_of)
    named = [arms.named(by_variant, name) for name in sorted({arm.arm for arm in by_variant})]
    treated, held = arms.named(by_variant, TREATED), arms.named(by_variant, HOLDOUT)
    ripe_share = treated.ripe / treated.entered if treated.entered else 0.0
    held_share = plan.held_bps / WHOLE_BPS if plan else 0.0

    def effect(own: Sample, other: Sample, deviation: float) -> Effect:
        return _effect(plan, own, other, share=held_share, deviation=deviation)

    return Effects(
        plan=plan,
        as_of=as_of,
        arms=named,
        evidence=_evidence(plan, treated, held),
        revenue=effect(treated.revenue, held.revenue, plan.deviation_minor if plan else 0.0),
        buyers=effect(treated.buyers, held.buyers, deviation_of_share(plan.buyers if plan else 0.0)),
        converted=effect(treated.converted, held.converted, deviation_of_share(held.converted.mean)),
        variants=_variants(plan, by_variant, held_share=held_share),
        ripe_treated=treated.ripe,
        cost_minor=treated.redeemed_minor + round(message_cost_minor * ripe_share),
    )


def _variants(plan: EffectPlan | None, found: Sequence[Arm], *, held_share: float) -> dict[str, VariantEffect]:
    """Of the trial that customers enter now: another one's would have entered on other days.

    All the intervals of one kind miss a truth, ever, in one experiment of twenty, however many variants there are.
    """
    current = max((arm for arm in found if arm.trial), key=lambda arm: arm.latest_at, default=None)
    drawn = [arm for arm in found if current is not None and arm.trial == current.trial]
    names = sorted({arm.variant for arm in drawn})
    of_two = len(names) == 2  # one less the other, seen from both sides: one comparison
    everybody = sum(arm.entered for arm in found)
    deviation = plan.deviation_minor if plan else 0.0
    told = {}
    for name in names:
        own = [arm for arm in drawn if arm.variant == name]
        rest = [arm for arm in drawn if arm.variant != name]
        treated, held, others = arms.named(own, TREATED), arms.named(own, HOLDOUT), arms.named(rest, TREATED)
        both = treated.entered + others.entered
        told[name] = VariantEffect(
            _effect(
                plan, treated.revenue, held.revenue, share=held_share, deviation=deviation,
                alpha=ALPHA / len(names), part=(treated.entered + held.entered) / everybody,
            ),
            _effect(
                plan, treated.revenue, others.revenue, share=others.entered / both if both else 0.0,
                deviation=deviation, alpha=ALPHA if of_two else ALPHA / len(names), part=both / everybody,
            ),
        )  # fmt: skip
    return told


def _effect(
    plan: EffectPlan | None,
    treated: Sample,
    other: Sample,
    *,
    share: float,
    deviation: float,
    alpha: float = ALPHA,
    part: float = 1.0,
) -> Effect:
    """share: of all in both, how many are in the other; deviation: as planned, 0 where nothing was known

    part  of all who enter, how many are in either
    """
    if plan is None or not 0 < share < 1:
        return Effect(None, None, "too_few")
    # Tuned by the plan alone, whoever is compared: what follows from data must not tune an interval.
    told = sequences.difference(treated, other, alpha=alpha, planned=plan.customers)
    # As planned where the year before had orders to go by, else by how customers differ here.
    spread, customers = deviation or other.deviation, max(round(plan.customers * part), 1)
    if not spread:
        return Effect(told, None, _verdict(told, None))
    seen = power.smallest(customers, held_share=share, deviation=spread, alpha=alpha, planned=plan.customers)
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
    if plan is None or not 0 < plan.held_bps < WHOLE_BPS:
        return None
    share = plan.held_bps / WHOLE_BPS
    return ratios.evidence((treated.entered, held.entered), (1 - share, share))


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
