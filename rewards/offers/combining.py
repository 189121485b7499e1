"""The best combination: of the coupons that fit a basket, those that together take most off it.

What a set takes off is a maximum flow (`rewards.discounts.flow`), so it hangs on no order, and another coupon never
makes it less. So without categories and exclusive ones all are taken. With them each category is a choice of one, which
branch and bound tries out: a branch is left as soon as all that could still join it is no more than the best found.
That is exact. It takes STEPS steps at most; past that the best found so far stands, which is no worse than taking the
one that adds most again and again, and `is_exact` says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from rewards.baskets import Basket
from rewards.discounts import Allocation, Priced
from rewards.discounts.flow import Flow
from rewards.offers import sharing
from rewards.offers.sharing import Shared
from rewards.offers.stacking import MOST
from rewards.terms import Terms

#: After how much work the best found so far has to do: a tenth of a second, where forty vouchers that contend for
#: twenty lines take half as long.
STEPS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A coupon that fits the basket by itself.

    id           its voucher's, or where nobody holds one its campaign's
    uses_left    how many more uses its campaign's counters allow; None for no limit
    budget_left  what its campaign can still pay, in minor units; None where it was not read
    """

    id: UUID
    terms: Terms
    priced: Priced
    expires_at: datetime | None = None
    uses_left: int | None = None
    budget_left: int | None = None

    @property
    def order(self) -> tuple[int, int, float, UUID]:
        """In which they are applied, and of those that add as much the first is taken."""
        expires = self.expires_at.timestamp() if self.expires_at else float("inf")
        return (-self.terms.priority, -self.priced.worth_minor, expires, self.id)


@dataclass(frozen=True, slots=True)
class Chosen:
    """amount_minor: what it takes off in this combination; lines: off which lines"""

    candidate: Candidate
    amount_minor: int
    lines: Allocation


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a coupon that fits is not in the best combination.

    code   of a refusal, or "adds_nothing"
    facts  of the refusal: `category`, `exclusive` or `most`, and `by`, the one that stands in its way
    """

    candidate: Candidate
    code: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Combination:
    """chosen: in the order in which they are to be applied; is_exact: nothing better is possible"""

    chosen: list[Chosen]
    left_out: list[LeftOut]
    total_minor: int
    is_exact: bool


def best(candidates: Sequence[Candidate], basket: Basket, *, steps: int = STEPS) -> Combination:
    """The combination that takes most off the basket, and why the others are not in it.

    units  a budget counts as able to pay so many coupons as it could if each took what it is worth alone
    """
    usable, left_out = _usable(candidates)
    alone = [each for each in usable if each.terms.is_exclusive]
    together = [each for each in usable if not each.terms.is_exclusive]
    search = _Search(together, basket, steps)
    search.run()
    found, total_minor = search.best, search.best_minor
    if alone:
        first = min(alone, key=lambda each: (-each.priced.worth_minor, each.order))
        highest = max((each.terms.priority for each in found), default=-(2**15))
        if (first.priced.worth_minor, first.terms.priority) > (total_minor, highest):
            found = [first]

    applied = sorted(found, key=lambda each: each.order)
    applied, idle = _without_idle(applied, basket)
    chosen = _apply(applied, basket)
    left_out += [LeftOut(each, "adds_nothing", {}) for each in idle]
    kept = {each.id for each in found}
    left_out += [_why(each, applied) for each in usable if each.id not in kept]
    return Combination(chosen, left_out, sum([each.amount_minor for each in chosen]), search.is_exact)


def _usable(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[LeftOut]]:
    """Those worth something, of each campaign as many as it allows: the same discount is worth the same, so those that
    expire first."""
    usable: list[Candidate] = []
    left_out: list[LeftOut] = []
    by_campaign = sorted(candidates, key=lambda each: (each.terms.campaign_id, each.order))
    for _, group in groupby(by_campaign, key=lambda each: each.terms.campaign_id):
        for place, each in enumerate(group):
            worth = each.priced.worth_minor
            if not worth:
                left_out.append(LeftOut(each, "basket_not_covered", {}))
            elif each.uses_left is not None and place >= each.uses_left:
                left_out.append(LeftOut(each, "limit_reached", {}))
            elif each.budget_left is not None and (place + 1) * worth > each.budget_left:
                left_out.append(LeftOut(each, "budget_exhausted", {}))
            else:
                usable.append(each)
    return usable, left_out


class _Search:
    """Branch and bound over slots: a slot is a category, which takes one, or a coupon that goes with all."""

    def __init__(self, candidates: Sequence[Candidate], basket: Basket, steps: int) -> None:
        self.slots = _slots(candidates)
        self.empty = sharing.of([each.priced for each in candidates], basket)
        self.steps = steps
        self.was_cut = False
        self.best: list[Candidate] = []
        self.best_minor = 0
        self.upper = 0

    @property
    def is_exact(self) -> bool:
        return not self.was_cut or self.best_minor >= self.upper

    def run(self) -> None:
        if not self.slots:
            return
        self.upper = self._reach(self.empty, 0, MOST)
        self._keep(*self._greedy())
        if self.best_minor < self.upper:
            self._explore(0, self.empty, [])

    def _greedy(self) -> tuple[list[Candidate], int]:
        """Again and again the one that adds most."""
        state, open_ = self.empty, list(self.slots)
        chosen: list[Candidate] = []
        while open_ and len(chosen) < MOST and state.total_minor < self.upper:
            is_late = self.empty.steps > self.steps  # then what each is worth alone has to do
            room = [
                (each.priced.worth_minor if is_late else state.room(each.priced), slot, each)
                for slot, part in enumerate(open_)
                for each in part
            ]
            _, slot, most = min(room, key=lambda found: (-found[0], found[2].order))
            state = state.with_(most.priced)
            chosen.append(most)
            del open_[slot]
        return chosen, state.total_minor

    def _explore(self, slot: int, state: Shared, chosen: list[Candidate]) -> None:
        if slot == len(self.slots) or len(chosen) == MOST:
            self._keep(chosen, state.total_minor)
            return
        self.was_cut |= self.empty.steps > self.steps
        if self.was_cut or self.best_minor >= self.upper:
            return
        if self._reach(state, slot, MOST - len(chosen)) <= self.best_minor:
            return
        grown = [(state.with_(each.priced), each) for each in self.slots[slot]]
        for more, each in sorted(grown, key=lambda pair: (-pair[0].total_minor, pair[1].order)):
            self._explore(slot + 1, more, [*chosen, each])
        if len(self.slots) - slot > MOST - len(chosen):
            self._explore(slot + 1, state, chosen)

    def _reach(self, state: Shared, slot: int, places: int) -> int:
        """No less than what can be reached from here: the slots' dearest one by one, or all that is left together."""
        open_ = self.slots[slot:]
        dearest = sorted([max(each.priced.worth_minor for each in part) for part in open_], reverse=True)
        one_by_one = state.total_minor + sum(dearest[:places])
        if one_by_one <= self.best_minor:
            return one_by_one
        for part in open_:
            for each in part:
                state = state.with_(each.priced)
        return min(one_by_one, state.total_minor)

    def _keep(self, chosen: list[Candidate], total_minor: int) -> None:
        if total_minor > self.best_minor:
            self.best, self.best_minor = chosen, total_minor


def _slots(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """The categories with their coupons, and each coupon without one; those with the fewest choices first."""
    found: dict[object, list[Candidate]] = {}
    for each in sorted(candidates, key=lambda each: each.order):
        found.setdefault(each.id if each.terms.category is None else each.terms.category, []).append(each)
    return sorted(found.values(), key=len)


def _without_idle(applied: list[Candidate], basket: Basket) -> tuple[list[Candidate], list[Candidate]]:
    """Those that are needed for what they take off together, the later in the order the sooner left out."""
    empty = sharing.of([each.priced for each in applied], basket)
    total_minor = _together(empty, applied)
    if total_minor == sum([each.priced.worth_minor for each in applied]):
        return applied, []
    needed, idle = list(applied), []
    for each in reversed(applied):
        others = [other for other in needed if other is not each]
        if _together(empty, others) == total_minor:
            needed = others
            idle.append(each)
    return needed, idle


def _together(state: Shared, candidates: Sequence[Candidate]) -> int:
    for each in candidates:
        state = state.with_(each.priced)
    return state.total_minor


def _apply(applied: Sequence[Candidate], basket: Basket) -> list[Chosen]:
    flow = Flow([line.amount_minor for line in basket.lines])
    counted: set[int] = set()
    amounts = []
    for each in applied:
        priced = sharing.fresh(each.priced, counted)
        counted |= priced.counts
        amounts.append(flow.add(priced.caps, priced.worth_minor, weights=priced.weights))
    parts = zip(applied, amounts, flow.allocation(), strict=True)
    return [Chosen(candidate, amount, lines) for candidate, amount, lines in parts]


def _why(each: Candidate, applied: Sequence[Candidate]) -> LeftOut:
    """What stands in the way of a coupon that was not chosen."""
    if applied and (each.terms.is_exclusive or applied[0].terms.is_exclusive):
        return LeftOut(each, "stacking_excluded", {"exclusive": True, "by": applied[0].id})
    for other in applied:
        if other.terms.category is not None and other.terms.category == each.terms.category:
            return LeftOut(each, "stacking_excluded", {"category": each.terms.category, "by": other.id})
    if len(applied) == MOST:
        return LeftOut(each, "stacking_excluded", {"most": MOST})
    return LeftOut(each, "adds_nothing", {})
