"""Whether a coupon may be used for a basket: the one place that says so.

Qualification, validation, redemption, checkout and simulation bring a `Case` each, and `asked` goes through its
conditions in the order in which refusals are told, no further than its caller goes. What nobody has looked at is not
asked: a case without a voucher asks about the campaign, one without counters leaves those to the till. So two places
may know more or less of a case, and never judge differently what both know.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from rewards.campaigns import holdouts, limits, schedules
from rewards.counters import USES, Counted, CountedUse
from rewards.discounts import Basis, Priced, TillLines, worth_alone
from rewards.offers import stacking
from rewards.redemption.evidence import Held
from rewards.rules import Facts, Rule
from rewards.terms import Terms

Name = Literal[
    "blocked", "expired", "currency", "frozen", "spent", "running", "closed", "used_up", "audience", "held_out",
    "uses", "stacking", "minimum", "rule", "covered", "amount", "budget",
]  # fmt: skip

_ALL_LEFT: Mapping[Counted, int] = {}


@dataclass(slots=True)
class Visit:
    """A basket, whose it is, where and when.

    facts       also what rules ask for, of the campaigns that have any
    audiences   that its customer is in
    asks_dates  False where a campaign is tried on days that lie before its own
    """

    facts: Facts
    audiences: Collection[UUID] = ()
    asks_dates: bool = True
    total_minor: int = field(init=False)
    _everything: Sequence[int] = field(init=False)
    _positions: dict[str, list[int]] | None = None

    def __post_init__(self) -> None:
        basket = self.facts.basket
        self.total_minor = basket.total_minor
        self._everything = range(len(basket.lines))

    def covered(self, scope: Set[str] | None) -> Sequence[int]:
        """The lines that a scope covers, found from the shorter of both; None covers them all."""
        if scope is None:
            return self._everything
        positions = self._positions
        if positions is None:
            positions = self._positions = {}
            for at, line in enumerate(self.facts.basket.lines):
                positions.setdefault(line.sku, []).append(at)
        if len(scope) < len(positions):
            return sorted([at for sku in scope if sku in positions for at in positions[sku]])
        return sorted([at for sku, places in positions.items() if sku in scope for at in places])


@dataclass(slots=True)
class Case:
    """One coupon for one basket; or a gift card, which pays for any.

    rule      of its campaign; scope: the products that it covers, None: all
    is_given  somebody holds it: whom it is meant for was asked when it was given
    voucher   None: whether the campaign fits, whoever holds what
    basis     what the coupons before it have left of the basket; None: the basket as it is
    beside    those coupons
    left      what counters have left; one that is not there was not looked at
    budget    what its campaign, or the gift card, can still pay; None: not looked at
    worth     what it takes off, in minor units, once that was asked
    """

    visit: Visit
    terms: Terms
    rule: Rule | None
    scope: Set[str] | None
    is_given: bool = False
    voucher: Held | None = None
    basis: Basis | None = None
    beside: Sequence[Terms] = ()
    left: Mapping[Counted, int] = field(default_factory=lambda: _ALL_LEFT)
    budget: int | None = None
    is_frozen: bool = False
    worth: int = 0
    covered: Sequence[int] = ()
    priced: Priced | None = None

    def uses(self, amount_minor: int) -> list[CountedUse]:
        """What one use worth so much takes from its campaign's counters. A gift card's count its issuing."""
        if self.terms.is_gift_card:
            return []
        facts = self.visit.facts
        return limits.counted(
            self.terms,
            customer_id=facts.customer_id,
            store_id=facts.till.store_id if facts.till else None,
            amount_minor=amount_minor,
            at=facts.at,
        )

    def short(self, uses: Iterable[CountedUse]) -> CountedUse | None:
        """The first of these uses that a counter has not left any more."""
        for use in uses:
            left = self.left.get(use.counted)
            if left is not None and left < use.add:
                return use
        return None


def missed(case: Case) -> Name | None:
    """The first condition that is not met; None: it may be used."""
    return first(asked(case))


def first(conditions: Iterable[tuple[Name, bool]]) -> Name | None:
    """The first of these conditions that is not met."""
    for name, is_met in conditions:
        if not is_met:
            return name
    return None


def asked(case: Case) -> Iterator[tuple[Name, bool]]:
    """Each condition that the case has, and whether it is met. Whoever goes on past one that is not learns of all."""
    yield from of_offer(case)
    if case.terms.kind != "gift_card":
        yield from of_supply(case)
        yield from of_basket(case)
        yield from of_rest(case)


def of_offer(case: Case) -> Iterator[tuple[Name, bool]]:
    """What hangs neither on the lines nor on what a rule must have read."""
    of, facts, held = case.terms, case.visit.facts, case.voucher
    if held is not None:
        yield "blocked", not held.is_blocked
        if held.expires_at is not None:
            yield "expired", facts.at < held.expires_at
    yield "currency", of.currency == facts.currency
    if of.kind == "gift_card":
        # Its value is the holder's: it goes on when its campaign has ended.
        yield "frozen", not case.is_frozen
        if case.budget is not None:
            yield "spent", case.budget > 0
        return
    if case.visit.asks_dates:
        yield "running", of.is_running(facts.at)
    if of.schedule is not None:
        yield "closed", schedules.is_open(of.schedule, facts.at)
    if held is not None and held.uses_cap is not None:
        yield "used_up", held.used < held.uses_cap
    # What a customer holds was given to somebody who is meant and not held out; a code that is nobody's was not.
    if of.audience_id is not None and not case.is_given:
        yield "audience", of.audience_id in case.visit.audiences
    if case.beside:
        yield "stacking", stacking.refusal(of, case.beside) is None


def of_supply(case: Case) -> Iterator[tuple[Name, bool]]:
    """Whether one is left for this customer."""
    of, customer_id = case.terms, case.visit.facts.customer_id
    if of.holdout_bps and customer_id is not None and not case.is_given:
        yield "held_out", not holdouts.is_held_out(of, customer_id)
    if case.left:
        uses = [use for use in case.uses(0) if use.counted[2] == USES]
        if uses:
            yield "uses", case.short(uses) is None


def of_basket(case: Case) -> Iterator[tuple[Name, bool]]:
    """What hangs on the basket, and on what the rule asks for."""
    of, visit = case.terms, case.visit
    if of.min_spend_minor:
        yield "minimum", visit.total_minor >= of.min_spend_minor
    if of.rule is not None:
        # A rule that is not known is met by nobody.
        yield "rule", case.rule is not None and case.rule.is_met(visit.facts)
    yield "covered", weigh(case)


def of_rest(case: Case) -> Iterator[tuple[Name, bool]]:
    """What hangs on what it takes off: limits by amount, and the budget."""
    if case.left and case.terms.limit_terms:
        uses = [use for use in case.uses(case.worth) if use.counted[2] != USES]
        if uses:
            yield "amount", case.short(uses) is None
    if case.budget is not None:
        yield "budget", case.budget >= case.worth


def weigh(case: Case) -> bool:
    """Whether it covers something of the basket that it can take off; a till's price list may name nothing at all."""
    discount = case.terms.discount
    covered = case.covered = case.visit.covered(case.scope)
    if case.basis is not None:
        case.priced = case.basis.offer(discount, covered)
        case.worth = case.priced.worth_minor
    else:
        case.worth = worth_alone(discount, case.visit.facts.basket, covered) if covered else 0
    if isinstance(discount, TillLines):
        return bool(covered) or not discount.needs_covered_line
    return case.worth > 0
