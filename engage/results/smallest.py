"""The smallest effect that a journey could show, told before anything is published."""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any

from sqlalchemy.orm import Session

from engage.journeys.models import Journey
from engage.results import history
from engage.results.history import History
from engage.results.money import money
from engage.results.plans import ALPHA, WHOLE_BPS
from insights.statistics import power
from wallet.assets import brand_currency


@dataclass(frozen=True, slots=True)
class Smallest:
    """What could be seen by the time so many customers are ripe; None where nothing is known to reckon with."""

    customers: int
    held_bps: int
    days: int
    past: History
    revenue_minor: float | None
    buyers: float | None


def of_journey(
    session: Session,
    journey: Journey,
    *,
    customers: int | None = None,
    holdout_bps: int | None = None,
    outcome_days: int | None = None,
    now: datetime,
) -> Smallest:
    """By the orders of the year before. What is left out is the journey's own, or as many customers as ordered lately.

    effects  up to a third of a second where nobody has asked since yesterday: before anything is locked
    """
    days = journey.outcome_days if outcome_days is None else outcome_days
    past = history.lately(session, days=days, currency=brand_currency(), now=now)
    return smallest(
        past,
        customers=past.expected if customers is None else customers,
        held_bps=journey.holdout_bps if holdout_bps is None else holdout_bps,
        days=days,
    )


def smallest(past: History, *, customers: int, held_bps: int, days: int) -> Smallest:
    """The smallest effect on one customer that would be seen four times in five."""

    def seen(deviation: float) -> float | None:
        if not 0 < held_bps < WHOLE_BPS or not deviation:
            return None
        return power.smallest(customers, held_share=held_bps / WHOLE_BPS, deviation=deviation, alpha=ALPHA)

    return Smallest(customers, held_bps, days, past, seen(past.deviation_minor), seen(deviation_of_share(past.buyers)))


def told(found: Smallest) -> dict[str, Any]:
    """As staff read it, with a sentence."""
    currency, past = brand_currency(), found.past
    if found.held_bps in (0, WHOLE_BPS):
        words = "With nobody held out, or nobody treated, no effect can be told."
    elif past.as_of is None:
        words = "The orders of the year before are being looked through: ask again in a minute."
    elif not past.stretches:
        words = "Nothing is known of orders of the year before, so it cannot be foretold what would be seen."
    elif found.revenue_minor is None:
        words = "Nothing varies in the orders of the year before, so nothing can be reckoned from them."
    else:
        words = (
            f"With {found.customers:,} customers, {found.held_bps / 100:g} % of them held out, "
            f"{money(found.revenue_minor, currency)} more a customer in {found.days} days would be seen four times in "
            f"five; a customer spends {money(past.mean_minor, currency)}. Anything smaller is too few to tell."
        )
    return {
        "customers": found.customers,
        "holdout_bps": found.held_bps,
        "outcome_days": found.days,
        "as_of": past.as_of,
        "currency": currency,
        "mean_minor": round(past.mean_minor),
        "deviation_minor": round(past.deviation_minor),
        "bound_minor": past.bound_minor,
        "smallest_minor": None if found.revenue_minor is None else round(found.revenue_minor),
        "buyers": round(past.buyers, 6),
        "smallest_buyers": None if found.buyers is None else round(found.buyers, 6),
        "words": words,
    }


def deviation_of_share(share: float) -> float:
    """The deviation of a claim that this share of customers fulfils."""
    return sqrt(share * (1 - share))
