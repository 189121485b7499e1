"""What a voucher takes off a basket: pure arithmetic in minor units.

A campaign keeps its discount as JSON, one of:

    {"kind": "amount", "amount_minor": 500}                        a coupon: so much off the lines that it covers
    {"kind": "percentage", "bps": 1500, "cap_minor": 1000}         a coupon: rounded half to even, the cap is optional
    {"kind": "lines", "needs_covered_line": true}                  a coupon: what the till's price list says, by line
    {"kind": "value", "amount_minor": 2500}                        a gift card: what it holds when it is issued
"""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidInput
from core.money import MAX_AMOUNT_MINOR, share
from rewards.baskets import Basket


@dataclass(frozen=True, slots=True)
class AmountOff:
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PercentageOff:
    """bps: basis points of the covered lines; cap_minor: the most that one use takes off."""

    bps: int
    cap_minor: int | None


@dataclass(frozen=True, slots=True)
class TillLines:
    """The covered lines' coupon_minor. Without `needs_covered_line` a basket may hold none of them (worth 0)."""

    needs_covered_line: bool


@dataclass(frozen=True, slots=True)
class GiftValue:
    amount_minor: int


Discount = AmountOff | PercentageOff | TillLines | GiftValue


@dataclass(slots=True)
class Basis:
    """A basket while its vouchers are applied one after the other.

    counted    lines whose coupon_minor some coupon has taken: a line counts once over all coupons of the basket
    taken      what each coupon took, with the positions of the lines that it covers
    """

    basket: Basket
    rest_minor: int = field(init=False)
    counted: set[int] = field(default_factory=set)
    taken: list[tuple[frozenset[int], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest_minor = self.basket.total_minor

    def covered(self, skus: Set[str] | None) -> list[int]:
        """The positions of the lines that a scope covers; None covers them all."""
        lines = self.basket.lines
        return [at for at, line in enumerate(lines) if skus is None or line.sku in skus]

    def room_minor(self, covered: list[int]) -> int:
        """The most that can still be taken off these lines.

        Of two coupons for the same 6.00 the second has what the first left; one for more lines hinders another only
        where those cannot bear it. Looked at are these lines, alone and with each earlier coupon's: exact where scopes
        are equal, apart or one within the other, and never too little where they overlap otherwise.
        """
        these = frozenset(covered)
        with_each = {these | lines for lines, _ in self.taken if lines & these}
        return max(0, min(self.rest_minor, *[self._left_minor(lines) for lines in {these, *with_each}]))

    def take(self, covered: list[int], amount_minor: int) -> None:
        """Count what a coupon that covers these lines takes off."""
        self.rest_minor -= amount_minor
        self.taken.append((frozenset(covered), amount_minor))

    def _left_minor(self, positions: frozenset[int]) -> int:
        """What these lines cost, less what coupons for no other lines took."""
        cost = sum([self.basket.lines[at].amount_minor for at in positions])
        return cost - sum([amount_minor for lines, amount_minor in self.taken if lines <= positions])


def parse(kind: str, discount: dict[str, Any]) -> Discount:
    """A campaign's discount from its JSON.

    raises  InvalidInput naming the member that is wrong, or a discount that its kind of campaign cannot give
    """
    shape = discount.get("kind")
    if kind == "gift_card" and shape == "value":
        return GiftValue(_whole(discount, "amount_minor", most=MAX_AMOUNT_MINOR))
    if kind == "coupon" and shape == "amount":
        return AmountOff(_whole(discount, "amount_minor", most=MAX_AMOUNT_MINOR))
    if kind == "coupon" and shape == "percentage":
        capped = discount.get("cap_minor") is not None
        cap = _whole(discount, "cap_minor", most=MAX_AMOUNT_MINOR) if capped else None
        return PercentageOff(_whole(discount, "bps", most=10_000), cap)
    if kind == "coupon" and shape == "lines":
        needs = discount.get("needs_covered_line", True)
        if not isinstance(needs, bool):
            raise _invalid("needs_covered_line", "must be true or false")
        return TillLines(needs)
    wanted = '"value" for a gift card' if kind == "gift_card" else '"amount", "percentage" or "lines" for a coupon'
    raise _invalid("kind", f"must be {wanted}")


def worth(discount: Discount, basis: Basis, covered: list[int]) -> int:
    """What a coupon takes off the rest of the lines that it covers; marks those that it counts.

    units   1 050 of covered lines at 250 bps are 26, not 26.25
    """
    lines = basis.basket.lines
    if isinstance(discount, TillLines):
        fresh = [at for at in covered if at not in basis.counted]
        basis.counted.update(fresh)
        return min(sum([lines[at].coupon_minor for at in fresh]), basis.rest_minor)

    room_minor = basis.room_minor(covered)
    if isinstance(discount, AmountOff):
        return min(discount.amount_minor, room_minor)
    if isinstance(discount, PercentageOff):
        off = share(sum([lines[at].amount_minor for at in covered]), bps=discount.bps)
        return min(off, room_minor, off if discount.cap_minor is None else discount.cap_minor)
    raise TypeError("a gift card's worth stands in the ledger")


def _whole(discount: dict[str, Any], member: str, *, most: int) -> int:
    value = discount.get(member)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _invalid(member, f"must be a whole number from 1 to {most}")
    return value


def _invalid(member: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[{"pointer": f"/discount/{member}", "detail": detail}])
