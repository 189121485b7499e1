"""What sets of coupons take off one basket, growing coupon by coupon, quickly enough for a search.

Lines that every coupon may take whole or not at all, and the same coupons take, stand together as one: a basket of a
thousand lines with three scopes is eight such groups at most.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from rewards.baskets import Basket
from rewards.discounts import Priced
from rewards.discounts.flow import Flow


class Shared:
    """A set of coupons over a basket; `with_` leaves it as it is and returns the larger one."""

    __slots__ = ("_caps", "_counted", "_flow", "total_minor")

    def __init__(
        self, flow: Flow, caps: Mapping[int, Mapping[int, int]], counted: frozenset[int], total_minor: int
    ) -> None:
        self._flow = flow
        self._caps = caps
        self._counted = counted
        self.total_minor = total_minor

    @property
    def steps(self) -> int:
        """How much work was done on this set and all that grew with it."""
        return self._flow.steps[0]

    def with_(self, priced: Priced) -> "Shared":
        flow = self._flow.copy()
        taken = flow.add(self._caps[id(priced.caps)], fresh(priced, self._counted).worth_minor)
        return Shared(flow, self._caps, self._counted | priced.counts, self.total_minor + taken)

    def room(self, priced: Priced) -> int:
        """What `with_` would add."""
        return self._flow.room(self._caps[id(priced.caps)], fresh(priced, self._counted).worth_minor)


def of(coupons: Sequence[Priced], basket: Basket) -> Shared:
    """The empty set, for a basket and the coupons that may be joined to it."""
    costs: list[int] = []
    place_of: dict[object, int] = {}
    group_of: list[int] = []
    maps = list({id(each.caps): each.caps for each in coupons}.values())
    for position, line in enumerate(basket.lines):
        takers = tuple([number for number, caps in enumerate(maps) if caps.get(position)])
        whole = all(maps[number][position] >= line.amount_minor for number in takers)
        key: object = takers if whole else position
        place = place_of.setdefault(key, len(costs))
        if place == len(costs):
            costs.append(0)
        costs[place] += line.amount_minor
        group_of.append(place)
    return Shared(Flow(costs), {id(caps): _grouped(caps, group_of) for caps in maps}, frozenset(), 0)


def fresh(priced: Priced, counted: Set[int]) -> Priced:
    """The coupon without the lines whose coupon_minor others of the set have taken."""
    if not priced.counts or priced.counts.isdisjoint(counted):
        return priced
    weights = {line: minor for line, minor in priced.weights.items() if line not in counted}
    return replace(priced, worth_minor=sum(weights.values()), weights=weights)


def _grouped(caps: Mapping[int, int], group_of: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for position, cap in caps.items():
        if cap:
            found[group_of[position]] = found.get(group_of[position], 0) + cap
    return found
