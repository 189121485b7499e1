"""What a coupon takes off a basket: pure arithmetic in minor units.

Each looks at the basket as it is, whatever other coupons take off it, so their order changes nothing but who gets
which part of a line that they share.

    amount       so much, off whichever covered lines can bear it
    percentage   of the covered lines together, rounded half to even: 1 050 at 250 bps is 26, not 26.25
    lines        the covered lines' coupon_minor. A line counts once over all coupons of a basket; a price list may take
                 more off a line than it costs, so the whole basket bears it
    the others   count pieces: `rewards.discounts.units`

None takes more than the lines cost that it may take from, nor than its cap_minor.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from core.money import share
from rewards.baskets import Basket
from rewards.discounts import units
from rewards.discounts.kinds import AmountOff, Discount, GiftValue, PercentageOff, TillLines


@dataclass(frozen=True, slots=True)
class Priced:
    """What a coupon would take off a basket by itself.

    caps     by line, the most that it may take off it
    weights  by line, in what proportion it takes where each line can bear it
    counts   the lines whose coupon_minor it takes, which no other coupon of the basket can take then
    """

    worth_minor: int
    caps: Mapping[int, int]
    weights: Mapping[int, int]
    counts: frozenset[int] = frozenset()


def price(discount: Discount, basket: Basket, covered: Sequence[int], *, but: Set[int] = frozenset()) -> Priced:
    """What a coupon takes off the lines that it covers.

    but  lines whose coupon_minor other coupons of the basket have taken
    """
    lines = basket.lines
    if isinstance(discount, TillLines):
        weights = {at: lines[at].coupon_minor for at in covered if at not in but}
        everything = {at: line.amount_minor for at, line in enumerate(lines)}
        return Priced(min(sum(weights.values()), basket.total_minor), everything, weights, frozenset(weights))
    if isinstance(discount, AmountOff | PercentageOff):
        caps = {at: lines[at].amount_minor for at in covered}
        cost = sum(caps.values())
        if isinstance(discount, AmountOff):
            return Priced(min(discount.amount_minor, cost), caps, caps)
        off = share(cost, bps=discount.bps)
        return Priced(off if discount.cap_minor is None else min(off, discount.cap_minor), caps, caps)
    if isinstance(discount, GiftValue):
        raise TypeError("a gift card's worth stands in the ledger")
    wanted = units.given(discount, basket, covered)
    return Priced(sum(wanted.values()), wanted, wanted)


def worth_alone(discount: Discount, basket: Basket, covered: Sequence[int]) -> int:
    """The worth that `price` tells, without the lines: a third of the work where a thousand coupons are compared."""
    if isinstance(discount, AmountOff | PercentageOff):
        lines = basket.lines
        whole = len(covered) == len(lines)
        cost = basket.total_minor if whole else sum([lines[at].amount_minor for at in covered])
        if isinstance(discount, AmountOff):
            return min(discount.amount_minor, cost)
        off = share(cost, bps=discount.bps)
        return off if discount.cap_minor is None else min(off, discount.cap_minor)
    if isinstance(discount, TillLines | GiftValue):
        return price(discount, basket, covered).worth_minor
    return units.worth(discount, basket, covered)
