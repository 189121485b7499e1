"""What a token tells a till, so that it decides alone: the discount, and where, when and for which baskets it holds.

A till sees the basket, itself and the clock. What a campaign asks for besides (the customer's history, their segment)
it cannot see, and some discounts are more than it should have to reckon: for those there is no token, and the reason is
told. Counters and budgets it cannot see either: when they are used up meanwhile, that is nobody's fault.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.db import Connection
from core.notes import Notes
from rewards import discounts, rules
from rewards.baskets import Basket
from rewards.campaigns import schedules
from rewards.discounts import AmountOff, PercentageOff
from rewards.offline.errors import OfflineAmountWrong, OfflineRefused, OfflineTermsNotMet
from rewards.rules import Facts, Known, uses
from rewards.terms import Terms
from wallet.paying.tills import Till

#: More would not fit into a picture that a till reads at once.
MOST_SKUS = 20
_MOST_PLACES = 10
_MOST_SPANS = 12

_IsOpen = Callable[[datetime], bool]

_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TillTerms:
    """shape   discount: {"kind": "amount"}, {"kind": "percentage"} as campaigns have them, or {"kind": "value",
               "amount_minor": the most that the gift card pays}
    skus       what is covered; stores, merchants: where it holds. None: everything, everywhere
    spans      when it holds: [from, to) in Unix seconds; None: as long as the token lives
    """

    currency: str
    discount: dict[str, Any]
    min_spend_minor: int = 0
    skus: frozenset[str] | None = None
    stores: frozenset[UUID] | None = None
    merchants: frozenset[UUID] | None = None
    spans: tuple[tuple[int, int], ...] | None = None

    @property
    def is_gift_card(self) -> bool:
        return bool(self.discount["kind"] == "value")

    @property
    def claims(self) -> dict[str, Any]:
        """As they stand in a token: what asks for nothing is left out."""
        found: dict[str, Any] = {"currency": self.currency, "discount": self.discount}
        if self.min_spend_minor:
            found["min_spend_minor"] = self.min_spend_minor
        if self.skus is not None:
            found["skus"] = sorted(self.skus)
        if self.stores is not None:
            found["stores"] = sorted(str(each) for each in self.stores)
        if self.merchants is not None:
            found["merchants"] = sorted(str(each) for each in self.merchants)
        if self.spans is not None:
            found["open"] = [list(span) for span in self.spans]
        return found

    def check(self, till: Till, basket: Basket, *, currency: str, amount_minor: int, at: datetime) -> None:
        """Whether a till did as the token says.

        raises  OfflineTermsNotMet; OfflineAmountWrong with the amount that it gives
        """
        if self.stores is not None and till.store_id not in self.stores:
            raise OfflineTermsNotMet("The token does not hold in this store")
        if self.merchants is not None and till.merchant_id not in self.merchants:
            raise OfflineTermsNotMet("The token does not hold at this merchant")
        if self.spans is not None and not any(since <= at.timestamp() < until for since, until in self.spans):
            raise OfflineTermsNotMet("The token did not hold at that time")
        if currency != self.currency:
            raise OfflineTermsNotMet("The token is in another currency", currency=self.currency)
        if basket.total_minor < self.min_spend_minor:
            raise OfflineTermsNotMet(
                "The basket is below what the token asks for", min_spend_minor=self.min_spend_minor
            )
        if self.is_gift_card:
            most = min(self.discount["amount_minor"], basket.total_minor)
            if amount_minor > most:
                raise OfflineAmountWrong(most_minor=most)
            return
        covered = [at for at, line in enumerate(basket.lines) if self.skus is None or line.sku in self.skus]
        if not covered:
            raise OfflineTermsNotMet("The basket holds none of the products that the token is for")
        given = discounts.price(discounts.parse("coupon", self.discount), basket, covered).worth_minor
        if amount_minor != given:
            raise OfflineAmountWrong(given_minor=given)


def of_claims(claims: dict[str, Any]) -> TillTerms:
    """Of a token that we have signed."""
    return TillTerms(
        currency=claims["currency"],
        discount=claims["discount"],
        min_spend_minor=claims.get("min_spend_minor", 0),
        skus=frozenset(claims["skus"]) if "skus" in claims else None,
        stores=frozenset(map(UUID, claims["stores"])) if "stores" in claims else None,
        merchants=frozenset(map(UUID, claims["merchants"])) if "merchants" in claims else None,
        spans=tuple([(since, until) for since, until in claims["open"]]) if "open" in claims else None,
    )


def of_gift_card(of: Terms, most_minor: int) -> TillTerms:
    return TillTerms(currency=of.currency, discount={"kind": "value", "amount_minor": most_minor})


def of_coupon(connection: Connection, of: Terms, *, since: datetime, until: datetime) -> TillTerms:
    """What a till must know of a campaign to take its coupon between two instants.

    raises  OfflineRefused with all the reasons why it could not decide
    """
    found = _Compiled(min_spend_minor=of.min_spend_minor)
    if not isinstance(of.discount, AmountOff | PercentageOff):
        found.refuse("discount", "Only amounts and percentages are given offline.")
    skus = _skus(connection, of.campaign_id) if of.is_scoped else None
    if skus is not None and len(skus) > MOST_SKUS:
        found.refuse("products", f"A token names at most {MOST_SKUS} products.")
    if of.schedule is not None:
        found.opens.append(lambda at: schedules.is_open(of.schedule, at))
    if of.rule is not None:
        known = uses.known_to(connection, [of.rule])
        for each in _conjuncts(of.rule, known):
            found.take(each, known, of.currency)
    spans = None
    if found.opens and not found.reasons:
        spans = _spans(found.opens, since, until)
        if not spans:
            found.refuse("time", "It cannot be used before its token would expire.")
        elif len(spans) > _MOST_SPANS:
            found.refuse("time", "Its hours change too often.")
    if found.reasons:
        raise OfflineRefused(reasons=found.reasons)
    return TillTerms(
        currency=of.currency,
        discount=_discount(of),
        min_spend_minor=found.min_spend_minor,
        skus=skus,
        stores=found.stores,
        merchants=found.merchants,
        spans=spans,
    )


class _Compiled:
    """A rule as far as it was read: what every part of it asks for, together."""

    def __init__(self, *, min_spend_minor: int) -> None:
        self.min_spend_minor = min_spend_minor
        self.stores: frozenset[UUID] | None = None
        self.merchants: frozenset[UUID] | None = None
        self.opens: list[_IsOpen] = []
        self.reasons: list[dict[str, str]] = []

    def refuse(self, about: str, says: str) -> None:
        if {"about": about, "says": says} not in self.reasons:
            self.reasons.append({"about": about, "says": says})

    def take(self, condition: dict[str, Any], known: dict[UUID, Known], currency: str) -> None:
        match condition:
            case {"fact": "basket.total_minor", "is": "at_least", "value": least}:
                self.min_spend_minor = max(self.min_spend_minor, least)
            case {"fact": "basket.total_minor", "is": "more_than", "value": below}:
                self.min_spend_minor = max(self.min_spend_minor, below + 1)
            case {"fact": "store.id", "is": "equals" | "one_of", "value": wanted}:
                self.stores = self._places(self.stores, wanted)
            case {"fact": "store.merchant_id", "is": "equals" | "one_of", "value": wanted}:
                self.merchants = self._places(self.merchants, wanted)
            case _:
                unseen = sorted({fact for fact in _facts(condition, known) if not fact.startswith("time.")})
                for fact in unseen:
                    self.refuse(fact, f"A till cannot decide about “{fact}” offline, or not as the rule asks.")
                if unseen:
                    return
                rule = rules.parse(condition, Notes(), known=known)
                self.opens.append(lambda at: rule.is_met(Facts(basket=_NOTHING, at=at, currency=currency)))

    def _places(self, so_far: frozenset[UUID] | None, wanted: Any) -> frozenset[UUID]:
        named = frozenset(UUID(each) for each in (wanted if isinstance(wanted, list) else [wanted]))
        both = named if so_far is None else named & so_far
        if len(both) > _MOST_PLACES:
            self.refuse("store", f"A token names at most {_MOST_PLACES} stores or merchants.")
        return both


def _conjuncts(condition: dict[str, Any], known: dict[UUID, Known]) -> Iterator[dict[str, Any]]:
    """The conditions that must all be met."""
    match condition:
        case {"all": each_of}:
            for each in each_of:
                yield from _conjuncts(each, known)
        case {"rule": rule_id} if UUID(rule_id) in known:
            yield from _conjuncts(known[UUID(rule_id)].condition, known)
        case _:
            yield condition


def _facts(condition: Any, known: dict[UUID, Known]) -> Iterator[str]:
    """The names of all facts that a condition asks about."""
    match condition:
        case {"fact": fact}:
            yield fact
        case {"all": inner} | {"any": inner}:
            for each in inner:
                yield from _facts(each, known)
        case {"not": inner} | {"any_line": inner} | {"all_lines": inner}:
            yield from _facts(inner, known)
        case {"rule": rule_id} if UUID(rule_id) in known:
            yield from _facts(known[UUID(rule_id)].condition, known)
        case _:
            yield "lines"


def _spans(opens: Sequence[_IsOpen], since: datetime, until: datetime) -> tuple[tuple[int, int], ...]:
    """When all are open, by looking at each minute's first and last second: hours begin and end with a minute, and a
    till need not know of zones or of daylight saving. A token lives for a day, so these are some 3,000 looks."""
    found: list[tuple[int, int]] = []
    at = since
    while at < until:
        after = min(at.replace(second=0, microsecond=0) + _MINUTE, until)
        if all(is_open(at) and is_open(after - _SECOND) for is_open in opens):
            span = (int(at.timestamp()), int(after.timestamp()))
            if found and found[-1][1] == span[0]:
                span = (found.pop()[0], span[1])
            found.append(span)
        at = after
    return tuple(found)


def _discount(of: Terms) -> dict[str, Any]:
    if isinstance(of.discount, AmountOff):
        return {"kind": "amount", "amount_minor": of.discount.amount_minor}
    assert isinstance(of.discount, PercentageOff)
    capped = {} if of.discount.cap_minor is None else {"cap_minor": of.discount.cap_minor}
    return {"kind": "percentage", "bps": of.discount.bps, **capped}


def _skus(connection: Connection, campaign_id: UUID) -> frozenset[str]:
    query = "SELECT sku FROM rewards.campaign_sku WHERE campaign_id = %s LIMIT %s"
    return frozenset(row[0] for row in connection.execute(query, [campaign_id, MOST_SKUS + 1]))


_NOTHING = Basket(())
