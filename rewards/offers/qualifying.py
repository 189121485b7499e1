"""Which offers fit this basket, this store, now: for the app before it pays, and for the till beside it.

An offer is a coupon that the customer holds, or one whose code anybody may show who knows it. Whom a campaign holds out
is offered none of its codes; what they hold already stays theirs. It reads and never locks, so what it answers may have
been used by another a moment later: the till decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection
from rewards import rules
from rewards.baskets import Basket
from rewards.campaigns import holdouts
from rewards.campaigns.catalogue import Catalogue, Compiled
from rewards.discounts import Priced, price, worth_alone
from rewards.offers import combining, missing, shelf, standing
from rewards.offers.combining import Candidate, Combination
from rewards.offers.missing import Missing
from rewards.offers.standing import Own
from rewards.rules import Facts
from rewards.terms import Terms
from wallet.paying.tills import Till

#: How many offers are told. Of so many campaigns codes, counters and budgets are read first, of four times as many
#: next: those worth most are mostly to be had.
MOST_OFFERS = 50
_AT_ONCE = 60
#: How many offers that are nearly reached are told.
_MOST_NEARLY = 5
_MOST_SHORT = 50


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


@dataclass(frozen=True, slots=True)
class _Fit:
    """A campaign whose conditions are met, the lines that it covers, what it would take off them, and the customer's
    vouchers of it."""

    compiled: Compiled
    covered: Sequence[int]
    worth_minor: int
    own: Sequence[Own]

    @property
    def order(self) -> tuple[int, int, int]:
        terms = self.compiled.terms
        return (-self.worth_minor, -terms.priority, terms.campaign_id.int)  # integers compare faster than UUIDs


def offers(connection: Connection, asked: Asked) -> Qualification:
    """The offers for a basket, with some ten statements however many campaigns there are."""
    catalogue, index = shelf.current(connection)
    own, audiences = standing.of_customer(connection, asked.customer_id, at=asked.at)
    wanted = index.candidates(asked.basket, store_id=asked.store_id, audiences=audiences)
    looked_at = _looked_at(catalogue, asked, wanted, own)
    facts = _facts(connection, asked, [compiled for compiled, _ in looked_at])
    fitting, short = _fitting(looked_at, facts, asked, audiences)

    told: list[Offer] = []
    start, size = 0, _AT_ONCE
    while start < len(fitting) and len(told) < MOST_OFFERS:
        told += _available(connection, asked, fitting[start : start + size])
        start, size = start + size, size * 4
    told.sort(key=lambda each: (-each.worth_minor, -each.terms.priority, each.expires_at, each.terms.campaign_id))
    told = told[:MOST_OFFERS]
    codes = standing.with_codes(connection, [fit.compiled.terms.campaign_id for fit in short if not fit.own])
    nearly = [(f.compiled, f.worth_minor) for f in short if f.own or f.compiled.terms.campaign_id in codes]
    return Qualification(told, missing.of(nearly, facts, most=_MOST_NEARLY), _best(told, asked.basket))


def _looked_at(
    catalogue: Catalogue, asked: Asked, wanted: set[UUID], own: dict[UUID, list[Own]]
) -> list[tuple[Compiled, Sequence[Own]]]:
    """The campaigns that may fit, by what costs least to see; each with the customer's vouchers of it."""
    at, currency, customer_id = asked.at, asked.currency, asked.customer_id
    found: list[tuple[Compiled, Sequence[Own]]] = []
    # A UUID's hash is computed anew by each look-up, and that is what a thousand campaigns cost most.
    for campaign_ids, are_own in ((own.keys(), True), (wanted - own.keys(), False)):
        for campaign_id in campaign_ids:
            compiled = catalogue.of(campaign_id)
            if compiled is None or not shelf.is_offered(compiled):
                continue
            terms = compiled.terms
            if terms.currency != currency or not terms.starts_at <= at < terms.ends_at:
                continue
            if terms.holdout_bps and not are_own and customer_id and holdouts.is_held_out(terms, customer_id):
                continue
            if terms.schedule is None or compiled.open_at(at) is None:
                found.append((compiled, own[campaign_id] if are_own else ()))
    return found


def _facts(connection: Connection, asked: Asked, looked_at: Iterable[Compiled]) -> Facts:
    needs: set[rules.Need] = set()
    for each in looked_at:
        if each.rule is not None and not each.rule.needs <= needs:
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
    looked_at: Sequence[tuple[Compiled, Sequence[Own]]], facts: Facts, asked: Asked, audiences: frozenset[UUID]
) -> tuple[list[_Fit], list[_Fit]]:
    """Those whose conditions are met and that are worth something, worth most first; and those that only a basket of
    more value may meet. What a customer holds was meant for them when it was given."""
    basket = asked.basket
    fitting: list[_Fit] = []
    short: list[_Fit] = []
    total_minor, everything = basket.total_minor, range(len(basket.lines))
    positions = _positions(basket)
    for each, own in looked_at:
        terms, scope = each.terms, each.skus
        if terms.audience_id and not own and terms.audience_id not in audiences:
            continue
        covered = everything if scope is None else _covered(positions, scope)
        if not covered:
            continue
        is_met = each.rule is None or each.rule.is_met(facts)
        is_enough = total_minor >= terms.min_spend_minor
        if not is_met and not is_enough:
            continue
        worth_minor = worth_alone(terms.discount, basket, covered)
        if worth_minor:
            (fitting if is_met and is_enough else short).append(_Fit(each, covered, worth_minor, own))
    return sorted(fitting, key=lambda fit: fit.order), sorted(short, key=lambda fit: fit.order)[:_MOST_SHORT]


def _positions(basket: Basket) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, line in enumerate(basket.lines):
        found.setdefault(line.sku, []).append(position)
    return found


def _covered(positions: dict[str, list[int]], scope: frozenset[str]) -> Sequence[int]:
    """The lines of a scope's products, found from the shorter of both."""
    if len(scope) < len(positions):
        return sorted([at for sku in scope if sku in positions for at in positions[sku]])
    return sorted([at for sku, places in positions.items() if sku in scope for at in places])


def _available(connection: Connection, asked: Asked, fitting: Sequence[_Fit]) -> list[Offer]:
    """Those that the customer can have, of which a use is left, and that the budget can still pay."""
    codes = standing.with_codes(connection, [fit.compiled.terms.campaign_id for fit in fitting if not fit.own])
    there = [fit for fit in fitting if fit.own or fit.compiled.terms.campaign_id in codes]
    uses_left = standing.uses_left(
        connection,
        [(fit.compiled.terms, fit.worth_minor) for fit in there],
        customer_id=asked.customer_id,
        store_id=asked.store_id,
        at=asked.at,
    )
    budgets = standing.budgets(connection, [fit.compiled.terms for fit in there])
    found = []
    for fit in there:
        terms = fit.compiled.terms
        left, budget = uses_left.get(terms.campaign_id), budgets.get(terms.budget_account, 0)
        if (left is None or left > 0) and budget >= fit.worth_minor:
            priced = price(terms.discount, asked.basket, fit.covered)
            found.append(Offer(terms=terms, priced=priced, vouchers=tuple(fit.own), uses_left=left, budget_left=budget))
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
