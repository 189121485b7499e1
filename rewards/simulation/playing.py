"""Playing a campaign over past baskets: what it would have done to each, as its limits and budget run down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from rewards.campaigns import holdouts, limits, schedules
from rewards.campaigns.catalogue import Compiled
from rewards.counters import Counted
from rewards.discounts import worth_alone
from rewards.offers import shelf
from rewards.offers.index import Index
from rewards.rules import Facts
from rewards.simulation.orders import Order
from rewards.simulation.report import Overlap, Report


class Rivals:
    """The running coupons that the one played is held against; a basket is shown to those that may concern it.

    The index is their own, since the shelf's goes on while the past is played.
    """

    def __init__(self, campaigns: Sequence[Compiled]) -> None:
        self._of: Mapping[UUID, Compiled] = {each.terms.campaign_id: each for each in campaigns}
        self._index = Index()
        self._index.change([(campaign_id, shelf.concerns(each)) for campaign_id, each in self._of.items()], [])

    def met_by(self, order: Order, facts: Facts) -> list[tuple[UUID, int]]:
        """Those that fit the basket by their conditions and hours, with what each would take off it by itself."""
        found = self._index.candidates(order.basket, store_id=order.store_id, audiences=facts.audiences or frozenset())
        weighed = [(campaign_id, weigh(self._of[campaign_id], order, facts)) for campaign_id in found]
        return [(campaign_id, worth) for campaign_id, (missed, worth) in weighed if not missed]


@dataclass(slots=True)
class Play:
    """One campaign's way through the past.

    compiled      its dates and its state are not asked, since they lie ahead
    budget_minor  what it may spend
    """

    compiled: Compiled
    budget_minor: int
    rivals: Rivals
    zone: ZoneInfo
    report: Report = field(default_factory=Report)
    _used: dict[Counted, int] = field(default_factory=dict)

    def take(self, order: Order, facts: Facts) -> None:
        """Play one order; those of other currencies are not the campaign's."""
        report = self.report
        if order.currency != self.compiled.terms.currency:
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
        for campaign_id, theirs_minor in self.rivals.met_by(order, facts):
            overlap = report.overlaps.setdefault(campaign_id, Overlap())
            overlap.baskets += 1
            overlap.worth_minor += theirs_minor
        refused = self._refused(order, worth_minor)
        if refused:
            report.refused[refused] += 1
            if refused == "budget_exhausted" and report.spent_on is None:
                report.spent_on = today
            return
        report.uses += 1
        report.cost_minor += worth_minor
        report.taken_minor += order.discount_minor
        day.uses += 1
        day.cost_minor += worth_minor

    def _refused(self, order: Order, worth_minor: int) -> str | None:
        """Why a basket that qualifies goes without; else what its use takes is counted."""
        terms = self.compiled.terms
        if holdouts.is_held_out(terms, order.customer_id):
            return "held_out"
        counted = limits.counted(
            terms, customer_id=order.customer_id, store_id=order.store_id, amount_minor=worth_minor, at=order.at
        )
        if any(self._used.get(each.counted, 0) + each.add > each.cap for each in counted):
            return "limit_reached"
        if self.report.cost_minor + worth_minor > self.budget_minor:
            return "budget_exhausted"
        for each in counted:
            self._used[each.counted] = self._used.get(each.counted, 0) + each.add
        return None


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
