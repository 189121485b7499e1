"""How far a simulation can be trusted, in words."""

from collections.abc import Collection
from datetime import datetime
from math import sqrt
from typing import Any

from rewards.rules import Need
from rewards.simulation.report import Report
from rewards.terms import Terms

#: Below so many uses chance alone moves them by more than a third; from so many on by less than a tenth.
_FEW, _MANY = 30, 400
_WEEK = 7

#: What is read as it is today, by what a rule asks for.
_OF_TODAY = {"audiences": "audiences", "segments": "segments", "products": "products", "store": "stores"}


def words(report: Report, terms: Terms, *, since: datetime, until: datetime, needs: Collection[Need]) -> dict[str, Any]:
    """{"word": "low" | "fair" | "good", "because": [sentences]}"""
    uses, days, lasts = report.expected.count, (until - since).days, (terms.ends_at - terms.starts_at).days
    seen = sum([day.baskets > 0 for day in report.days.values()])
    weak, limiting = [], []
    if uses < _FEW:
        weak.append(f"Fewer than {_FEW} uses are expected, too few to go by.")
    elif uses < _MANY:
        limiting.append(f"Chance alone moves {uses} uses by {_percent(2 / sqrt(uses))} up or down.")
    if seen < _WEEK:
        weak.append(f"Only {seen} days have baskets, so not every day of the week was seen.")
    if days < min(lasts, 366):
        limiting.append(f"The campaign lasts {lasts} days and was played over {days}.")
    if days > lasts:
        limiting.append(f"It was played over {days} days and lasts {lasts}: take its share of uses and cost.")
    notes = []
    if of_today := [name for need, name in _OF_TODAY.items() if need in needs]:
        notes.append(f"Taken as they are today: {', '.join(of_today)}.")
    if "history" in needs:
        notes.append("Orders that were returned later count as earlier orders.")
    return {"word": "low" if weak else "fair" if limiting else "good", "because": [*weak, *limiting, *notes]}


def _percent(part: float) -> str:
    return f"{round(part * 100)} %"
