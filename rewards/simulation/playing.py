"""Playing a campaign over past baskets: what it would have done to each, as its limits and budget run down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from core.population_shares import is_in_share
from rewards.campaigns.catalogue import Compiled
from rewards.counters import Counted
from rewards.errors import BasketNotCovered
from rewards.offers import shelf, stacking
from rewards.offers.index import Index
from rewards.redemption import conditions, reasons
from rewards.redemption.conditions import Case, Visit
from rewards.rules import Facts
from rewards.simulation.orders import Order
from rewards.simulation.report import Overlap, Report, Uses


class Rivals:
    """The running coupons that the one played is held against; a basket is shown to those that may concern it.

    The index is their own, since the shelf's goes on while the past is played.
    """

    def __init__(self, campaigns: Sequence[Compiled]) -> None:
        self._of: Mapping[UUID, Compiled] = {each.terms.campaign_id: each for each in campaigns}
        self._index = Index()
        self._index.change([(campaign_id, shelf.concerns(each)) for campaign_id, each in self._of.items()], [])

    def met_by(self, order: Order, visit: Visit) -> list[Case]:
        """Those that fit the basket by their conditions and hours, with what each would take off it by itself."""
        found = self._index.candidates(order.basket, store_id=order.store_id, audiences=visit.audiences)
        weighed = [weigh(self._of[campaign_id], visit) for campaign_id in found]
        return [case for case, missed in weighed if not missed]


@dataclass(slots=True)
class Purse:
    """A campaign's limits and its budget as they run down. budget_minor: None: without a bound."""

    budget_minor: int | None
    uses: Uses
    _used: dict[Counted, int] = field(default_factory=dict)

    def take(self, case: Case, *, today: date) -> str | None:
        """Why a basket that qualifies goes without; else what its use takes is counted."""
        uses = case.uses(case.worth)
        case.left = {use.counted: use.cap - self._used.get(use.counted, 0) for use in uses}
        case.budget = None if self.budget_minor is None else self.budget_minor - self.uses.cost_minor
        missed = conditions.first(conditions.of_supply(case)) or conditions.first(conditions.of_rest(case))
        if missed == "budget":
            self.uses.spent_on = self.uses.spent_on or today
        if missed:
            return reasons.CODES[missed]
        for use in uses:
            self._used[use.counted] = self._used.get(use.counted, 0) + use.add
        self.uses.count += 1
        self.uses.cost_minor += case.worth
        return None


@dataclass(slots=True)
class Play:
    """One campaign's way through the past, once as if everyone who can used it, and once with the take-up.

    compiled      its dates and its state are not asked, since they lie ahead
    take_up_bps   the share of qualifying baskets that use it; drawn by the order, so the same ones each time
    """

    compiled: Compiled
    budget_minor: int | None
    take_up_bps: int
    rivals: Rivals
    zone: ZoneInfo
    report: Report = field(default_factory=Report)
    _all: Purse = field(init=False)
    _some: Purse = field(init=False)

    def __post_init__(self) -> None:
        report = self.report
        self._all = Purse(self.budget_minor, report.uses)
        self._some = Purse(self.budget_minor, report.expected)

    def take(self, order: Order, facts: Facts) -> None:
        """Play one order; those of other currencies are not the campaign's."""
        terms, report = self.compiled.terms, self.report
        if order.currency != terms.currency:
            return
        today = order.at.astimezone(self.zone).date()
        day = report.day(today)
        report.baskets += 1
        day.baskets += 1
        visit = Visit(facts, facts.audiences or frozenset(), asks_dates=False)
        case, missed = weigh(self.compiled, visit)
        if missed:
            report.missed[missed] += 1
            return
        report.qualifying += 1
        day.qualifying += 1
        report.customers.add(order.customer_id)
        for rival in self.rivals.met_by(order, visit):
            overlap = report.overlaps.get(rival.terms.campaign_id)
            if overlap is None:
                overlap = Overlap(go_together=stacking.refusal(terms, [rival.terms]) is None)
                report.overlaps[rival.terms.campaign_id] = overlap
            overlap.baskets += 1
            overlap.worth_minor += rival.worth
            overlap.own_minor += case.worth
        if is_in_share(terms.campaign_id, order.id, bps=self.take_up_bps):
            self._some.take(case, today=today)
        refused = self._all.take(case, today=today)
        if refused:
            report.refused[refused] += 1
            return
        report.taken_minor += order.discount_minor
        day.uses += 1
        day.cost_minor += case.worth


def weigh(compiled: Compiled, visit: Visit) -> tuple[Case, str | None]:
    """A campaign with what it takes off a basket; and the code of the first condition that the basket does not meet."""
    case = Case(visit, compiled.terms, compiled.rule, compiled.skus)
    missed = conditions.first(conditions.of_offer(case)) or conditions.first(conditions.of_basket(case))
    if missed:
        return case, reasons.CODES[missed]
    return case, None if case.worth else BasketNotCovered.code
