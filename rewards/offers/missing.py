"""What a basket lacks for an offer that it nearly reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rewards.redemption.conditions import Case
from rewards.terms import Terms

#: The words under which more of a value is missing.
_MORE = ("at_least", "more_than")


@dataclass(frozen=True, slots=True)
class Missing:
    """missing_minor: how much more the basket, or the lines that the rule is about, must come to; worth_minor: what the
    offer would take off the basket as it is"""

    case: Case
    missing_minor: int

    @property
    def terms(self) -> Terms:
        return self.case.terms

    @property
    def worth_minor(self) -> int:
        return self.case.worth


def of(short: Sequence[Case]) -> list[Missing]:
    """Of campaigns that are not met, in their order, those that only lack value."""
    found = [(case, _missing(case)) for case in short]
    return [Missing(case, missing_minor) for case, missing_minor in found if missing_minor]


def _missing(case: Case) -> int | None:
    """The larger of what its minimum and its rule lack."""
    least = max(0, case.terms.min_spend_minor - case.visit.total_minor)
    if case.rule is None or case.rule.is_met(case.visit.facts):
        return least
    more = _of_reason(case.rule.explain(case.visit.facts))
    return None if more is None else max(least, more)


def _of_reason(reason: dict[str, Any]) -> int | None:
    """What is missing where one sum of money alone stands in the way."""
    if "because" in reason:
        return _of_reason(reason["because"])
    if "all" in reason:
        unmet = [each for each in reason["all"] if not each["is_met"]]
        return _of_reason(unmet[0]) if len(unmet) == 1 else None
    is_money = reason.get("fact") == "basket.total_minor" or reason.get("sum") == "amount_minor"
    if not is_money or reason["is"] not in _MORE:
        return None
    lacking: int = reason["needed"] - reason["actual"] + (reason["is"] == "more_than")
    return lacking
