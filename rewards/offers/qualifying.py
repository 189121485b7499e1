"""Which offers fit this basket, this store, now: for the app before it pays, and for the till beside it.

An offer is a coupon that the customer holds, or one whose code anybody may show who knows it. Whom a campaign holds out
is offered none of its codes; what they hold already stays theirs. It reads and never locks, so what it answers may have
been used by another a moment later: the till decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import ids
from core.db import Connection
from core.money import SANDBOX
from rewards import rules
from rewards.baskets import Basket
from rewards.campaigns.catalogue import Catalogue
from rewards.discounts import Priced, price
from rewards.offers import combining, missing, shelf, standing
from rewards.offers.combining import Candidate, Combination
from rewards.offers.missing import Missing
from rewards.offers.standing import Own
from rewards.redemption import conditions
from rewards.redemption.conditions import Case, Visit
from rewards.rules import Facts
from rewards.terms import Terms
from wallet.errors import SandboxMixed
from wallet.paying.tills import Till

#: How many offers are told. Of so many campaigns codes, counters and budgets are read first, of four times as many
#: next: those worth most are mostly to be had.
MOST_OFFERS = 50
_AT_ONCE = 60
#: How many offers that are nearly reached are told.
_MOST_NEARLY = 5
_MOST_SHORT = 50
#: How much work it may be to find what one of them would gain.
_STEPS_OF_GAIN = combining.STEPS // 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A basket to find offers for. customer_id: None: the till knows nobody; till: None: in no store yet."""

    basket: Basket
    currency: str
    at: datetime
    customer_id: UUID | None = None
    till: Till | None = None

    @property
    def store_id(self) -> UUID | None:
        return self.till.store_id if self.till else None

    @property
    def facts(self) -> Facts:
        """What is known of it before anything is read."""
        return Facts(
            customer_id=self.customer_id, basket=self.basket, till=self.till, at=self.at, currency=self.currency
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """worth_minor: what it takes off this basket alone; vouchers: the customer's own, the first to expire first, none
    where a code must be known."""

    terms: Terms
    priced: Priced
    vouchers: tuple[Own, ...]
    uses_left: int | None
    budget_left: int

    @property
    def worth_minor(self) -> int:
        return self.priced.worth_minor

    @property
    def expires_at(self) -> datetime:
        first = self.vouchers[0].expires_at if self.vouchers else None
        return min(first, self.terms.ends_at) if first else self.terms.ends_at


@dataclass(frozen=True, slots=True)
class Nearly:
    """An offer that a larger basket would reach. vouchers: as in `Offer`; gain_minor: how much more it and the best of
    the customer's own vouchers would take off together, of the basket as it is"""

    missing: Missing
    vouchers: tuple[Own, ...]
    gain_minor: int


@dataclass(frozen=True, slots=True)
class Qualification:
    """offers: those worth most first; nearly: those that a larger basket would reach; best: of the customer's own
    vouchers, those that together take most off"""

    offers: list[Offer]
    nearly: list[Nearly]
    best: Combination

    @property
    def next_(self) -> Nearly | None:
        """The next better offer: of those that would take more off than the best does, what lacks least."""
        better = [each for each in self.nearly if each.gain_minor > 0]
        return min(better, key=lambda each: (each.missing.missing_minor, -each.gain_minor), default=None)


@dataclass(slots=True)
class _Fit(Case):
    """A campaign that may fit, with the customer's vouchers of it."""

    own: Sequence[Own] = ()

    @property
    def order(self) -> tuple[int, int, int]:
        terms = self.terms
        return (-self.worth, -terms.priority, terms.campaign_id.int)  # integers compare faster than UUIDs


def offers(connection: Connection, asked: Asked) -> Qualification:
    """The offers for a basket, with some ten statements however many campaigns there are.

    raises  SandboxMixed
    """
    asker = asked.customer_id or (asked.till.merchant_id if asked.till else None)
    if (asked.currency == SANDBOX) != ids.is_sandbox(asker):
        raise SandboxMixed
    catalogue, index = shelf.current(connection)
    own, audiences = standing.of_customer(connection, asked.customer_id, at=asked.at)
    wanted = index.candidates(asked.basket, store_id=asked.store_id, audiences=audiences)
    visit = Visit(asked.facts, audiences)
    open_ = _open(catalogue, visit, wanted, own)
    rules.load_many(connection, _needs(open_), [visit.facts])
    fitting, short = _fitting(open_)

    told: list[Offer] = []
    start, size = 0, _AT_ONCE
    while start < len(fitting) and len(told) < MOST_OFFERS:
        told += _available(connection, asked, fitting[start : start + size])
        start, size = start + size, size * 4
    told.sort(key=lambda each: (-each.worth_minor, -each.terms.priority, each.expires_at, each.terms.campaign_id))
    told = told[:MOST_OFFERS]
    candidates = _candidates(told)
    best = combining.best(candidates, asked.basket)
    nearly = _nearly(connection, asked, short, candidates, best) if short else []
    return Qualification(told, nearly, best)


def _open(catalogue: Catalogue, visit: Visit, wanted: set[UUID], own: dict[UUID, list[Own]]) -> list[_Fit]:
    """The campaigns that may fit, by what costs least to see; each with the customer's vouchers of it."""
    found: list[_Fit] = []
    # A UUID's hash is computed anew by each look-up, and that is what a thousand campaigns cost most.
    for campaign_ids, are_own in ((own.keys(), True), (wanted - own.keys(), False)):
        for campaign_id in campaign_ids:
            compiled = catalogue.of(campaign_id)
            if compiled is None or not shelf.is_offered(compiled):
                continue
            fit = _Fit(visit, compiled.terms, compiled.rule, compiled.skus, are_own)
            if are_own:
                fit.own = own[campaign_id]
            if (
                conditions.first(conditions.of_offer(fit)) is None
                and conditions.first(conditions.of_supply(fit)) is None
            ):
                found.append(fit)
    return found


def _needs(fits: Iterable[_Fit]) -> set[rules.Need]:
    needs: set[rules.Need] = set()
    for each in fits:
        if each.rule is not None and not each.rule.needs <= needs:
            needs |= each.rule.needs
    return needs


def _fitting(open_: Sequence[_Fit]) -> tuple[list[_Fit], list[_Fit]]:
    """Those whose conditions are met and that are worth something, worth most first; and those that only a basket of
    more value may meet."""
    fitting: list[_Fit] = []
    short: list[_Fit] = []
    for fit in open_:
        is_met, lacks_value = True, True
        for name, holds in conditions.of_basket(fit):
            if not holds:
                is_met = False
                if name == "covered":
                    lacks_value = False
        if fit.worth:
            if is_met:
                fitting.append(fit)
            elif lacks_value:
                short.append(fit)
    return sorted(fitting, key=lambda fit: fit.order), sorted(short, key=lambda fit: fit.order)[:_MOST_SHORT]


def _nearly(
    connection: Connection, asked: Asked, short: Sequence[_Fit], candidates: Sequence[Candidate], best: Combination
) -> list[Nearly]:
    """Those that only lack value and that the customer could have, worth most first, with what they would gain."""
    lacking = {each.terms.campaign_id: each for each in missing.of(short)}
    wanted = [fit for fit in short if fit.terms.campaign_id in lacking]
    found: list[Nearly] = []
    for offer in _available(connection, asked, wanted)[:_MOST_NEARLY]:
        more = [*candidates, *_candidates([offer], open_=True)]
        gain_minor = combining.best(more, asked.basket, steps=_STEPS_OF_GAIN).total_minor - best.total_minor
        found.append(Nearly(lacking[offer.terms.campaign_id], offer.vouchers, max(0, gain_minor)))
    return found


def _available(connection: Connection, asked: Asked, fitting: Sequence[_Fit]) -> list[Offer]:
    """Those that the customer can have, of which a use is left, and that the budget can still pay."""
    codes = standing.with_codes(connection, [fit.terms.campaign_id for fit in fitting if not fit.own])
    there = [(fit, fit.uses(fit.worth)) for fit in fitting if fit.own or fit.terms.campaign_id in codes]
    left = standing.left(connection, [use for _, uses in there for use in uses])
    budgets = standing.budgets(connection, [fit.terms for fit, _ in there])
    found = []
    for fit, uses in there:
        terms = fit.terms
        fit.left, fit.budget = left, budgets.get(terms.budget_account, 0)
        if conditions.first(conditions.of_supply(fit)) or conditions.first(conditions.of_rest(fit)):
            continue
        found.append(
            Offer(
                terms=terms,
                priced=price(terms.discount, asked.basket, fit.covered),
                vouchers=tuple(fit.own),
                uses_left=min([left[use.counted] // use.add for use in uses if use.add], default=None),
                budget_left=fit.budget,
            )
        )
    return found


def _candidates(told: Sequence[Offer], *, open_: bool = False) -> list[Candidate]:
    """The customer's own vouchers; and where asked, the offers whose code anybody may show."""
    shown = [(offer, voucher.id, voucher.expires_at) for offer in told for voucher in offer.vouchers]
    if open_:
        shown += [(offer, offer.terms.campaign_id, offer.expires_at) for offer in told if not offer.vouchers]
    return [
        Candidate(
            id=identifier,
            terms=offer.terms,
            priced=offer.priced,
            expires_at=expires_at,
            uses_left=offer.uses_left,
            budget_left=offer.budget_left,
        )
        for offer, identifier, expires_at in shown
    ]
