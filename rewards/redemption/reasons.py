"""Why a voucher may be used or not: the refusal that a till is told, and each condition with what it needs and what is.

Conditions are told as {"code", "is_met", "needed", "actual"} by the code with which their refusal is told; a rule has
its reason tree besides. That is for the voucher's holder (`for_owner`) and for staff; tills learn the code alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import Refusal
from rewards.campaigns.errors import CampaignClosedNow
from rewards.counters import USES, CountedUse
from rewards.errors import (
    BasketNotCovered,
    BudgetExhausted,
    CampaignNotRunning,
    ConditionsNotMet,
    CurrencyMismatch,
    LimitReached,
    MinimumSpend,
    NotInAudience,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.offers import stacking
from rewards.offers.errors import StackingExcluded
from rewards.redemption import conditions
from rewards.redemption.conditions import Case, Name
from rewards.rules import reasons as rule_reasons
from wallet.errors import AccountFrozen

#: With which code each condition is told; to tills one that is held out is told what a stranger is told.
CODES: dict[Name, str] = {
    "blocked": "voucher_blocked",
    "expired": VoucherExpired.code,
    "currency": CurrencyMismatch.code,
    "frozen": AccountFrozen.code,
    "spent": VoucherUsedUp.code,
    "running": CampaignNotRunning.code,
    "closed": CampaignClosedNow.code,
    "used_up": VoucherUsedUp.code,
    "audience": NotInAudience.code,
    "held_out": "held_out",
    "uses": LimitReached.code,
    "stacking": StackingExcluded.code,
    "minimum": MinimumSpend.code,
    "rule": ConditionsNotMet.code,
    "covered": BasketNotCovered.code,
    "amount": LimitReached.code,
    "budget": BudgetExhausted.code,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case may be used or not. conditions: {code, is_met, needed, actual} each; rule: its tree, if it has one."""

    conditions: list[dict[str, Any]]
    rule: dict[str, Any] | None

    @property
    def is_met(self) -> bool:
        return all(each["is_met"] for each in self.conditions)


class Missed(Exception):
    """What a refusal of a voucher is raised from: the case that it is about, and the condition that was not met.

    reason  as it was then; None while nobody has asked
    """

    def __init__(self, case: Case, name: Name) -> None:
        super().__init__(name)
        self.case = case
        self.name = name
        self.reason: Reason | None = None


def check(case: Case) -> None:
    """raises  the refusal of the first condition that is not met, from `Missed`"""
    name = conditions.missed(case)
    if name is not None:
        raise refusal_of(case, name) from Missed(case, name)


def refusal_of(case: Case, name: Name) -> Refusal:
    """What a till is told of a condition that is not met."""
    return _REFUSALS[name](case)


def of(case: Case) -> Reason:
    """Every condition of the case, also those past one that is not met."""
    told = [_told(case, name, is_met) for name, is_met in conditions.asked(case)]
    rule = case.rule.explain(case.visit.facts) if case.rule is not None else None
    return Reason(told, rule)


def for_owner(reason: Reason) -> Reason:
    """The reason as the voucher's holder may read it: their own figures, but neither what the campaign's budget and its
    limits for all have left, nor by whom they were chosen."""
    told = [
        {"code": each["code"], "is_met": each["is_met"]} if _is_the_brands(each) else each
        for each in reason.conditions
        if each["code"] != "held_out"
    ]
    return Reason(told, rule_reasons.for_owner(reason.rule) if reason.rule is not None else None)


def _is_the_brands(told: dict[str, Any]) -> bool:
    if told["code"] == LimitReached.code:
        return bool(told.get("scope") != "customer")
    return told["code"] in (BudgetExhausted.code, NotInAudience.code)


def _told(case: Case, name: Name, is_met: bool) -> dict[str, Any]:
    if name in _CLAIMS:
        wanted = _CLAIMS[name]
        return {"code": CODES[name], "is_met": is_met, "needed": wanted, "actual": wanted is is_met}
    needed, actual, *more = _VALUES[name](case)
    return {"code": CODES[name], "is_met": is_met, "needed": needed, "actual": actual, **(more[0] if more else {})}


def _not_running(case: Case) -> Refusal:
    try:
        case.terms.check_running(case.visit.facts.at)
    except CampaignNotRunning as refusal:
        return refusal
    raise AssertionError("a campaign that runs was said not to")


def _not_covered(case: Case) -> Refusal:
    if case.covered:
        return BasketNotCovered("Nothing of the basket is left for the voucher to take off")
    return BasketNotCovered()


def _stacking(case: Case) -> StackingExcluded | None:
    return stacking.refusal(case.terms, case.beside)


def _running(case: Case) -> tuple[Any, Any]:
    of, at = case.terms, case.visit.facts.at
    if of.state != "running":
        return "running", of.state
    return f"{of.starts_at.isoformat()} – {of.ends_at.isoformat()}", at.isoformat()


def _used(case: Case) -> dict[str, Any]:
    assert case.voucher is not None
    return {"used": case.voucher.used, "limit": case.voucher.uses_cap}


def _expiry(case: Case) -> str:
    assert case.voucher is not None and case.voucher.expires_at is not None
    return case.voucher.expires_at.isoformat()


def _limited(case: Case, measure: str) -> CountedUse:
    """The limit that stands in the way, or of those that do not the one that has least left."""
    uses = [use for use in case.uses(case.worth) if (use.counted[2] == USES) is (measure == USES)]
    found = case.short(uses)
    return found or min(uses, key=lambda use: case.left.get(use.counted, use.cap))


def _limit(case: Case, measure: str) -> tuple[Any, Any, dict[str, Any]]:
    use = _limited(case, measure)
    _, scope, measure, bucket = use.counted
    more = {"scope": scope.partition(":")[0], "measure": measure, "limit": use.cap}
    return use.add, case.left.get(use.counted, use.cap), more | ({"period": bucket} if bucket else {})


_REFUSALS: dict[Name, Callable[[Case], Refusal]] = {
    "blocked": lambda case: VoucherUnknown(),
    "expired": lambda case: VoucherExpired(expired_at=_expiry(case)),
    "currency": lambda case: CurrencyMismatch(currency=case.visit.facts.currency, voucher_currency=case.terms.currency),
    "frozen": lambda case: AccountFrozen(),
    "spent": lambda case: VoucherUsedUp(),
    "running": _not_running,
    "closed": lambda case: CampaignClosedNow(),
    "used_up": lambda case: VoucherUsedUp(**_used(case)),
    "audience": lambda case: NotInAudience(),
    "held_out": lambda case: NotInAudience(),
    "uses": lambda case: LimitReached(limit=_limited(case, USES).cap),
    "stacking": lambda case: _stacking(case) or StackingExcluded(),
    "minimum": lambda case: MinimumSpend(
        total_minor=case.visit.total_minor, min_spend_minor=case.terms.min_spend_minor
    ),
    "rule": lambda case: ConditionsNotMet(),
    "covered": _not_covered,
    "amount": lambda case: LimitReached(limit=_limited(case, "amount").cap),
    "budget": lambda case: BudgetExhausted(),
}

#: The conditions that are a claim, and whether it is to be true.
_CLAIMS: dict[Name, bool] = {"blocked": False, "frozen": False, "audience": True, "held_out": False, "rule": True}

#: What each of the others needs and what is, and where there is more to tell, that.
_VALUES: dict[Name, Callable[[Case], tuple[Any, ...]]] = {
    "expired": lambda case: (_expiry(case), case.visit.facts.at.isoformat()),
    "currency": lambda case: (case.terms.currency, case.visit.facts.currency),
    "spent": lambda case: (1, case.budget),
    "running": _running,
    "closed": lambda case: (case.terms.schedule, case.visit.facts.at.isoformat()),
    "used_up": lambda case: (1, max(0, _used(case)["limit"] - _used(case)["used"]), _used(case)),
    "uses": lambda case: _limit(case, USES),
    "stacking": lambda case: (None, None, getattr(_stacking(case), "facts", {})),
    "minimum": lambda case: (case.terms.min_spend_minor, case.visit.total_minor),
    "covered": lambda case: (1, case.worth),
    "amount": lambda case: _limit(case, "amount"),
    "budget": lambda case: (case.worth, case.budget),
}
