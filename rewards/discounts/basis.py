"""A basket while its vouchers are applied one after the other."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace

from rewards.baskets import Basket
from rewards.discounts.flow import Allocation, Flow
from rewards.discounts.kinds import Discount
from rewards.discounts.worths import Priced, price


@dataclass(slots=True)
class Basis:
    """rest_minor: what is left to pay; counted: lines whose coupon_minor some coupon has taken, as each counts once."""

    basket: Basket
    rest_minor: int = field(init=False)
    counted: set[int] = field(default_factory=set)
    _flow: Flow = field(init=False)

    def __post_init__(self) -> None:
        self.rest_minor = self.basket.total_minor
        self._flow = Flow([line.amount_minor for line in self.basket.lines])

    def covered(self, skus: Set[str] | None) -> list[int]:
        """The positions of the lines that a scope covers; None covers them all."""
        lines = self.basket.lines
        return [at for at, line in enumerate(lines) if skus is None or line.sku in skus]

    def offer(self, discount: Discount, covered: Sequence[int]) -> Priced:
        """What a coupon would take off what the others have left.

        Of two coupons for the same 6.00 the second gets what the first left; one for more lines hinders another only
        where those cannot bear it. Exact, whatever the scopes have in common.
        """
        priced = price(discount, self.basket, covered, but=self.counted)
        most = min(priced.worth_minor, max(0, self.rest_minor))
        return replace(priced, worth_minor=self._flow.room(priced.caps, most))

    def take(self, offered: Priced) -> None:
        """Take off what `offer` has just said."""
        self.counted |= offered.counts
        if offered.worth_minor:
            self.rest_minor -= offered.worth_minor
            self._flow.add(offered.caps, offered.worth_minor, weights=offered.weights)

    def allocation(self) -> list[Allocation]:
        """What each coupon that took something took off which line, in the order of their taking."""
        return self._flow.allocation()


def worth(discount: Discount, basis: Basis, covered: Sequence[int]) -> int:
    """What a coupon takes off the rest of the lines that it covers, in minor units."""
    return basis.offer(discount, covered).worth_minor
