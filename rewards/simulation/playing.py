"""Playing a campaign over past baskets: what it would have done to each, as its limits and budget run down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from core.population_shares import is_in_share
from rewards.campaigns import holdouts, limits, schedules
from rewards.campaigns.catalogue import Compiled
from rewards.counters import Counted
from rewards.discounts import worth_alone
from rewards.offers import shelf, stacking
from rewards.offers.index import Index
from rewards.rules import Facts
from rewards.simulation.orders import Order
from rewards.simulation.report import Overlap, Report, Uses
from rewards.terms import Terms


class Rivals:
    """The running coupons that the one played is held against; a basket is shown to those that may concern it.

    The index is their own, since the shelf's goes on while the past is played.
    """

    def __init__(self, campaigns: Sequence[Compiled]) -> None:
        self._of: Mapping[UUID, Compiled] = {each.terms.campaign_id: each for each in campaigns}
        self._index = Index()
        self._index.change([(campaign_id, shelf.concerns(each)) for campaign_id, each in self._of.items()], [])

    def met_by(self, order: Order, facts: Facts) -> list[tuple[Terms, int]]:
        """Those that fit the basket by their conditions and hours, with what each would take off it by itself."""
        found = self._index.candidates(order.basket, store_id=order.store_id, audiences=facts.audiences or frozenset())
        weighed = [(self._of[campaign_id], weigh(self._of[campaign_id], order, facts)) for campaign_id in found]
        return [(compiled.terms, worth) for compiled, (missed, worth) in weighed if not missed]


@dataclass(slots=True)
class Purse:
    """A campaign's limits and its budget as they run down. budget_minor: None: without a bound."""

    terms: Terms
    budget_minor: int | None
    uses: Uses
    _used: dict[Counted, int] = field(default_factory=dict)

    def take(self, order: Order, worth_minor: int, *, today: date) -> str | None:
        """Why a basket that qualifies goes without; else what its use takes is counted."""
        if holdouts.is_held_out(self.terms, order.customer_id):
            return "held_out"
        counted = limits.counted(
            self.terms, customer_id=order.customer_id, store_id=order.store_id, amount_minor=worth_minor, at=order.at
        )
        if any(self._used.get(each.counted, 0) + each.add > each.cap for each in counted):
            return "limit_reached"
        if self.budget_minor is not None and self.uses.cost_minor + worth_minor > self.budget_minor:
            self.uses.spent_on = self.uses.spent_on or today
            return "budget_exhausted"
        for each in counted:
            self._used[each.counted] = self._used.get(each.counted, 0) + each.add
        self.uses.count += 1
        self.uses.cost_minor += worth_minor
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
        terms, report = self.compiled.terms, self.report
        self._all = Purse(terms, self.budget_minor, report.uses)
        self._some = Purse(terms, self.budget_minor, report.expected)

    def take(self, order: Order, facts: Facts) -> None:
        """Play one order; those of other currencies are not the campaign's."""
        terms, report = self.compiled.terms, self.report
        if order.currency != terms.currency:
            return
        today = order.at.astimezone(self.zone).date()
        day = report.day(today)
        report.baskets += 1
        day.baskets += 1
        missed, worth_minor = weigh(self.compiled, order, facts)
        if missed:
            report.missed[missed] += 1
            return
        report.qualifying += 1
        day.qualifying += 1
        report.customers.add(order.customer_id)
        for rival, theirs_minor in self.rivals.met_by(order, facts):
            overlap = report.overlaps.setdefault(
                rival.campaign_id, Overlap(go_together=stacking.refusal(terms, [rival]) is None)
            )
            overlap.baskets += 1
            overlap.worth_minor += theirs_minor
            overlap.own_minor += worth_minor
        if is_in_share(terms.campaign_id, order.id, bps=self.take_up_bps):
            self._some.take(order, worth_minor, today=today)
        refused = self._all.take(order, worth_minor, today=today)
        if refused:
            report.refused[refused] += 1
            return
        report.taken_minor += order.discount_minor
        day.uses += 1
        day.cost_minor += worth_minor


def weigh(compiled: Compiled, order: Order, facts: Facts) -> tuple[str | None, int]:
    """The code of the first condition that the basket does not meet, or None and what the campaign takes off it."""
    terms, basket = compiled.terms, order.basket
    if terms.currency != order.currency:
        return "currency_mismatch", 0
    if not schedules.is_open(terms.schedule, order.at):
        return "campaign_closed_now", 0
    if terms.audience_id and terms.audience_id not in (facts.audiences or ()):
        return "not_in_audience", 0
    if basket.total_minor < terms.min_spend_minor:
        return "minimum_spend", 0
    if compiled.rule is not None and not compiled.rule.is_met(facts):
        return "conditions_not_met", 0
    covered = [at for at, line in enumerate(basket.lines) if compiled.skus is None or line.sku in compiled.skus]
    worth_minor = worth_alone(terms.discount, basket, covered) if covered else 0
    return (None, worth_minor) if worth_minor else ("basket_not_covered", 0)
