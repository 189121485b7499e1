"""Which offers fit this basket, this store, now: for the app before it pays, and for the till beside it.

An offer is a coupon that the customer holds, or one whose code anybody may show who knows it. Whom a campaign holds out
is offered none of its codes; what they hold already stays theirs. It reads and never locks, so what it answers may have
been used by another a moment later: the till decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.db import Connection
from rewards import rules
from rewards.baskets import Basket
from rewards.campaigns import holdouts
from rewards.campaigns.catalogue import Catalogue, Compiled
from rewards.discounts import Priced, price
from rewards.offers import combining, missing, shelf, standing
from rewards.offers.combining import Candidate, Combination
from rewards.offers.missing import Missing
from rewards.offers.standing import Own
from rewards.rules import Facts
from rewards.terms import Terms
from wallet.paying.tills import Till

#: How many offers are told, and of how many campaigns the counters and budgets are read at once.
MOST_OFFERS = 50
_AT_ONCE = 100
#: How many offers that are nearly reached are told.
_MOST_NEARLY = 5


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
class Qualification:
    """offers: those worth most first; nearly: those that a larger basket would reach; best: of the customer's own
    vouchers, those that together take most off"""

    offers: list[Offer]
    nearly: list[Missing]
    best: Combination


@dataclass(slots=True)
class _Found:
    """What fits, before counters and budgets are asked, and what only the basket's value is too small for."""

    fitting: list[tuple[Compiled, Priced]] = field(default_factory=list)
    short: list[tuple[Compiled, Priced]] = field(default_factory=list)


def offers(connection: Connection, asked: Asked) -> Qualification:
    """The offers for a basket, with some ten statements however many campaigns there are."""
    catalogue, index = shelf.current(connection)
    own, audiences = standing.of_customer(connection, asked.customer_id, at=asked.at)
    wanted = index.candidates(asked.basket, store_id=asked.store_id, audiences=audiences)
    looked_at = _looked_at(connection, catalogue, asked, wanted, own)
    facts = _facts(connection, asked, looked_at)
    found = _fitting(looked_at, facts, asked, own, audiences)

    found.fitting.sort(key=lambda pair: (-pair[1].worth_minor, -pair[0].terms.priority, pair[0].terms.campaign_id))
    told: list[Offer] = []
    for start in range(0, len(found.fitting), _AT_ONCE):
        told += _available(connection, asked, found.fitting[start : start + _AT_ONCE], own)
        if len(told) >= MOST_OFFERS:
            break
    told.sort(key=lambda each: (-each.worth_minor, -each.terms.priority, each.expires_at, each.terms.campaign_id))
    told = told[:MOST_OFFERS]
    return Qualification(told, missing.of(found.short, facts, most=_MOST_NEARLY), _best(told, asked.basket))


def _looked_at(
    connection: Connection, catalogue: Catalogue, asked: Asked, wanted: set[UUID], own: dict[UUID, list[Own]]
) -> list[Compiled]:
    """The campaigns that may fit and that the customer can have a coupon of, by what costs least to see."""
    at, currency, customer_id = asked.at, asked.currency, asked.customer_id
    found = []
    for campaign_id in wanted.union(own):
        compiled = catalogue.of(campaign_id)
        if compiled is None or not shelf.is_offered(compiled):
            continue
        terms = compiled.terms
        if terms.currency != currency or not terms.starts_at <= at < terms.ends_at:
            continue
        if campaign_id not in own and customer_id is not None and holdouts.is_held_out(terms, customer_id):
            continue
        if compiled.open_at(at) is None:
            found.append(compiled)
    generic = standing.with_codes(connection, [c.terms.campaign_id for c in found if c.terms.campaign_id not in own])
    return [each for each in found if each.terms.campaign_id in own or each.terms.campaign_id in generic]


def _facts(connection: Connection, asked: Asked, looked_at: Iterable[Compiled]) -> Facts:
    needs: set[rules.Need] = set()
    for each in looked_at:
        if each.rule is not None:
            needs |= each.rule.needs
    return rules.load(
        connection,
        needs,
        customer_id=asked.customer_id,
        basket=asked.basket,
        till=asked.till,
        at=asked.at,
        currency=asked.currency,
    )


def _fitting(
    looked_at: Sequence[Compiled],
    facts: Facts,
    asked: Asked,
    own: dict[UUID, list[Own]],
    audiences: frozenset[UUID],
) -> _Found:
    """Those whose conditions are met and that are worth something; a customer's own was meant for them when given."""
    basket, found = asked.basket, _Found()
    total_minor, everything = basket.total_minor, range(len(basket.lines))
    skus = [line.sku for line in basket.lines]
    for each in looked_at:
        terms, scope = each.terms, each.skus
        if terms.audience_id and terms.audience_id not in audiences and terms.campaign_id not in own:
            continue
        covered = everything if scope is None else [at for at, sku in enumerate(skus) if sku in scope]
        if not covered:
            continue
        is_met = each.rule is None or each.rule.is_met(facts)
        is_enough = total_minor >= terms.min_spend_minor
        if not is_met and not is_enough:
            continue
        priced = price(terms.discount, basket, covered)
        if priced.worth_minor:
            (found.fitting if is_met and is_enough else found.short).append((each, priced))
    return found


def _available(
    connection: Connection, asked: Asked, fitting: Sequence[tuple[Compiled, Priced]], own: dict[UUID, list[Own]]
) -> list[Offer]:
    """Those of which a use is left, and that the budget can still pay."""
    pairs = [(compiled.terms, priced.worth_minor) for compiled, priced in fitting]
    uses_left = standing.uses_left(
        connection, pairs, customer_id=asked.customer_id, store_id=asked.store_id, at=asked.at
    )
    budgets = standing.budgets(connection, [terms for terms, _ in pairs])
    found = []
    for compiled, priced in fitting:
        terms = compiled.terms
        left, budget = uses_left.get(terms.campaign_id), budgets.get(terms.budget_account, 0)
        if (left is None or left > 0) and budget >= priced.worth_minor:
            vouchers = tuple(own.get(terms.campaign_id, ()))
            found.append(Offer(terms=terms, priced=priced, vouchers=vouchers, uses_left=left, budget_left=budget))
    return found


def _best(told: Sequence[Offer], basket: Basket) -> Combination:
    candidates = [
        Candidate(
            id=voucher.id,
            terms=offer.terms,
            priced=offer.priced,
            expires_at=voucher.expires_at,
            uses_left=offer.uses_left,
            budget_left=offer.budget_left,
        )
        for offer in told
        for voucher in offer.vouchers
    ]
    return combining.best(candidates, basket)
