"""Telling: effects and reports as staff see them, each effect with a sentence that says no more than is known."""

from typing import Any

from engage.results.arms import Arm
from engage.results.effects import Effect, Effects, VariantEffect
from engage.results.models import EffectPlan
from engage.results.money import money
from engage.results.report import Report, Row
from insights.statistics.sequences import FEWEST, FEWEST_TELLING, Interval
from wallet.assets import brand_currency


def effects(found: Effects) -> dict[str, Any]:
    """The whole answer to "what did it cause?"."""
    plan = found.plan
    currency = plan.currency if plan else brand_currency()
    whole = _scaled(found.revenue, found.ripe_treated)
    return {
        "as_of": found.as_of,
        "currency": currency,
        "plan": plan,
        "arms": [_arm(arm) for arm in found.arms],
        "sample_ratio": _sample_ratio(plan, found),
        "revenue": _effect(found, found.revenue, lambda value: money(value, currency), digits=2),
        "buyers": _effect(found, found.buyers, _points, digits=6),
        "converted": _effect(found, found.converted, _points, digits=6),
        "variants": [
            {"variant": variant, **_variant(found, effect, currency)} for variant, effect in found.variants.items()
        ],
        "incremental_revenue": _effect(found, whole, lambda value: money(value, currency), digits=0),
        "cost": _coins(found.cost_minor, currency),
        "per_cost": _per_cost(found, whole),
    }


def report(found: Report) -> dict[str, Any]:
    """Every sum of a report."""
    outcomes: dict[str, dict[str, int]] = {}
    for (step, outcome), number in sorted(found.outcomes.items()):
        outcomes.setdefault(step, {})[outcome] = number
    known = {step for step, _ in found.steps}
    # A step that only waited or split has no sums, but it did something.
    quiet = [{"step": step, "arm": "", **_row(found, Row())} for step in outcomes if step and step not in known]
    steps = [{"step": step, "arm": arm, **_row(found, row)} for (step, arm), row in sorted(found.steps.items())]
    return {
        "currency": found.currency,
        "since": found.since,
        "until": found.until,
        "total": _row(found, found.total),
        "arms": [{"arm": arm, **_row(found, row)} for arm, row in sorted(found.arms.items())],
        "steps": [{**step, "outcomes": outcomes.get(step["step"], {})} for step in [*steps, *quiet]],
        "variants": [
            {"step": step, "variant": variant, **_row(found, row)}
            for (step, variant), row in sorted(found.variants.items())
        ],
        "days": [{"date": day, **_row(found, row)} for day, row in found.days.items()],
        "unpriced": [
            {"channel": channel, "country": country or None, "messages": number}
            for (channel, country), number in sorted(found.unpriced.items())
        ],
        "other_currencies": sorted(found.others),
    }


def _row(found: Report, row: Row) -> dict[str, Any]:
    money = {
        "revenue": row.revenue_minor,
        "refunded": row.refunded_minor,
        "discount": row.discount_minor,
        "credit": row.credit_minor,
        "message_cost": row.message_minor(found.currency),
        "cost": row.cost_minor(found.currency),
    }
    return {**row.counts, **{name: _coins(minor, found.currency) for name, minor in money.items()}}


def _arm(arm: Arm) -> dict[str, Any]:
    return {
        "arm": arm.arm,
        "entered": arm.entered,
        "ripe": arm.ripe,
        "buyers": arm.buyers.total,
        "converted": arm.converted.total,
        "revenue_minor": arm.revenue.total,
    }


def _variant(found: Effects, effect: VariantEffect, currency: str) -> dict[str, Any]:
    def shown(value: float) -> str:
        return money(value, currency)

    others = effect.others
    told = {
        **_interval(others, 2),
        "verdict": others.verdict,
        "words": _words(others.verdict, others, shown, than="the others"),
    }
    return {**_effect(found, effect.revenue, shown, digits=2), "against_others": told}


def _sample_ratio(plan: EffectPlan | None, found: Effects) -> dict[str, Any] | None:
    if plan is None or found.evidence is None:
        return None
    entered = {arm.arm: arm.entered for arm in found.arms}
    return {
        "held_out_bps": plan.held_bps,
        "treated": entered.get("treated", 0),
        "held_out": entered.get("holdout", 0),
        "evidence": float(f"{found.evidence:.4g}"),
        "is_alarming": found.is_alarming,
    }


def _effect(found: Effects, effect: Effect, shown: Any, *, digits: int) -> dict[str, Any]:
    verdict = "not_believed" if found.is_alarming else effect.verdict
    if found.plan is not None and found.evidence is None:
        verdict = "no_holdout"
    return {**_interval(effect, digits), "verdict": verdict, "words": _words(verdict, effect, shown)}


def _interval(effect: Effect, digits: int) -> dict[str, float | None]:
    interval = effect.interval
    return {
        "estimate": _rounded(interval.estimate if interval else None, digits),
        "low": _rounded(interval.low if interval else None, digits),
        "high": _rounded(interval.high if interval else None, digits),
        "smallest": _rounded(effect.smallest, digits),
    }


def _words(verdict: str, effect: Effect, shown: Any, *, than: str = "without it") -> str:
    interval = effect.interval
    if verdict == "no_holdout":
        return "Nobody was held out, so what it caused cannot be told."
    if verdict == "not_believed":
        return "The arms are not as they were planned: something chose between them, so no effect is believed."
    if interval is None:
        return (
            f"Too few to tell: an effect is told from {FEWEST} customers an arm on whose time is over, "
            f"and from {FEWEST_TELLING} of them who did something."
        )
    between = f"between {shown(interval.low)} and {shown(interval.high)}"
    if verdict in ("more", "less"):
        return f"{'More' if verdict == 'more' else 'Less'} than {than}: {between}."
    if verdict == "none":
        return f"No difference was seen: if there is one, it lies {between}."
    return f"Too few to tell: it lies {between}, and could still be nothing."


def _per_cost(found: Effects, whole: Effect) -> dict[str, Any] | None:
    """The cost is known, so only the revenue's interval stands in it."""
    if found.cost_minor <= 0:
        return None
    ratio = _scaled(whole, 1 / found.cost_minor)
    return {**_effect(found, ratio, lambda value: f"{value:.2f}", digits=4), "smallest": None}


def _scaled(effect: Effect, factor: float) -> Effect:
    told = effect.interval
    interval = Interval(told.estimate * factor, told.low * factor, told.high * factor) if told else None
    return Effect(interval, effect.smallest * factor if effect.smallest else None, effect.verdict)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _coins(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}


def _points(share: float) -> str:
    return f"{share * 100:.2f} percentage points"
