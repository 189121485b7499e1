"""What a basket lacks for an offer that it nearly reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rewards.campaigns.catalogue import Compiled
from rewards.rules import Facts
from rewards.terms import Terms

#: The words under which more of a value is missing.
_MORE = ("at_least", "more_than")


@dataclass(frozen=True, slots=True)
class Missing:
    """missing_minor: how much more the basket, or the lines that the rule is about, must come to; worth_minor: what the
    offer would take off the basket as it is"""

    terms: Terms
    worth_minor: int
    missing_minor: int


def of(short: Sequence[tuple[Compiled, int]], facts: Facts, *, most: int) -> list[Missing]:
    """Of campaigns that are not met, in their order and with their worths, those that only lack value."""
    found: list[Missing] = []
    for compiled, worth_minor in short:
        missing_minor = _missing(compiled, facts)
        if missing_minor:
            found.append(Missing(compiled.terms, worth_minor, missing_minor))
        if len(found) == most:
            break
    return found


def _missing(compiled: Compiled, facts: Facts) -> int | None:
    least = compiled.terms.min_spend_minor - facts.basket.total_minor
    if least > 0 or compiled.rule is None:
        return least  # only the one of both was not met
    return _of_reason(compiled.rule.explain(facts))


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
