"""Which campaigns may concern a basket, found without looking at those that do not.

Each campaign stands under what it cannot do without: products, categories, stores or an audience; of several, what the
fewest baskets have. So a basket of twenty lines looks up twenty products, its categories, its store and the
customer's audiences, however many campaigns there are for other ones. Those that need none of it are always looked at.
"""

import threading
from collections.abc import Collection, Hashable, Iterable, Mapping
from uuid import UUID

from rewards.baskets import Basket
from rewards.discounts import BuyGet, Discount, FreeItem
from rewards.rules import Concerns

#: What a name of each kind counts: as many baskets have one of two hundred products as have one category, and all
#: baskets of a store have that store.
_WEIGHTS = {"skus": 1, "audiences": 5, "stores": 50, "categories": 200}

_Place = tuple[str, frozenset[Hashable]]


class Index:
    """Campaigns by what they cannot do without. Threads may ask while one of them changes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._always: set[UUID] = set()
        self._under: Mapping[str, dict[Hashable, set[UUID]]] = {name: {} for name in _WEIGHTS}
        self._places: dict[UUID, _Place | None] = {}

    def __len__(self) -> int:
        return len(self._places)

    def change(self, put: Iterable[tuple[UUID, Concerns]], drop: Iterable[UUID]) -> None:
        """Add campaigns, or move those that it has, and forget others."""
        put = list(put)
        with self._lock:
            for campaign_id in (*drop, *[each for each, _ in put]):
                self._drop(campaign_id)
            for campaign_id, concerns in put:
                self._put(campaign_id, concerns)

    def candidates(self, basket: Basket, *, store_id: UUID | None, audiences: Collection[UUID]) -> set[UUID]:
        """The campaigns that may concern this basket; most of them do."""
        asked: Mapping[str, Iterable[Hashable]] = {
            "skus": {line.sku for line in basket.lines},
            "categories": {line.category for line in basket.lines},
            "stores": [store_id] if store_id else [],
            "audiences": audiences,
        }
        with self._lock:
            found = set(self._always)
            for name, keys in asked.items():
                under = self._under[name]
                for key in keys:
                    found |= under.get(key, _NONE)
        return found

    def _put(self, campaign_id: UUID, concerns: Concerns) -> None:
        place = _place_of(concerns)
        self._places[campaign_id] = place
        if place is None:
            self._always.add(campaign_id)
        else:
            name, keys = place
            for key in keys:
                self._under[name].setdefault(key, set()).add(campaign_id)

    def _drop(self, campaign_id: UUID) -> None:
        if campaign_id not in self._places:
            return
        place = self._places.pop(campaign_id)
        if place is None:
            self._always.discard(campaign_id)
            return
        name, keys = place
        under = self._under[name]
        for key in keys:
            under[key].discard(campaign_id)
            if not under[key]:
                del under[key]


def concerns_of(
    discount: Discount, *, skus: frozenset[str] | None, audience_id: UUID | None, rule: Concerns | None
) -> Concerns:
    """What a campaign cannot do without: its scope, its audience, its rule, and the products that it gives.

    An audience is asked of those who hold no voucher of it yet; what a customer holds is theirs.
    """
    parts = [
        Concerns(skus=skus, audiences=frozenset([audience_id]) if audience_id else None),
        rule or Concerns(),
        Concerns(skus=_given(discount)),
    ]
    return Concerns.of_all(parts)


def _given(discount: Discount) -> frozenset[str] | None:
    if isinstance(discount, FreeItem):
        return frozenset([discount.sku])
    return discount.get_skus if isinstance(discount, BuyGet) else None


def _place_of(concerns: Concerns) -> _Place | None:
    places: list[_Place] = [(name, keys) for name in _WEIGHTS if (keys := getattr(concerns, name)) is not None]
    return min(places, key=lambda place: len(place[1]) * _WEIGHTS[place[0]], default=None)


_NONE: frozenset[UUID] = frozenset()
