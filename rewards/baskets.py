"""The one basket that checkouts, rules and `order.completed` share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket.

    units   quantity: decimal string ("0.435"); unit: of the quantity ("kg"), None for pieces
            amount_minor: what the line costs after price reductions, for all of its quantity
            coupon_minor: what the till's own price list lets a coupon that covers the line take off (0: nothing)
            tax_minor: the tax within amount_minor
    """

    sku: str
    category: str
    quantity: str
    amount_minor: int
    unit: str | None = None
    coupon_minor: int = 0
    tax_minor: int = 0

    def as_event(self) -> dict[str, Any]:
        """The line as `order.completed` tells it; coupon_minor only where the price list names one."""
        told = {
            "sku": self.sku,
            "category": self.category,
            "quantity": self.quantity,
            "unit": self.unit,
            "amount_minor": self.amount_minor,
        }
        return {**told, "coupon_minor": self.coupon_minor} if self.coupon_minor else told


#: Equal pieces of one line: its position, what each costs, and how many there are.
Pieces = tuple[int, int, int]


@dataclass(frozen=True)
class Basket:
    lines: tuple[Line, ...]

    @cached_property
    def total_minor(self) -> int:
        return sum([line.amount_minor for line in self.lines])

    @cached_property
    def pieces(self) -> list[Pieces]:
        """What is counted in whole pieces, the cheapest first. The pieces of a line share its amount to the cent."""
        found: list[Pieces] = []
        for position, line in enumerate(self.lines):
            count = _whole_pieces(line)
            if count:
                price, dearer = divmod(line.amount_minor, count)
                found.append((position, price, count - dearer))
                if dearer:
                    found.append((position, price + 1, dearer))
        return sorted(found, key=lambda each: (each[1], each[0]))


def _whole_pieces(line: Line) -> int:
    if line.unit is not None:
        return 0
    whole, _, rest = line.quantity.partition(".")
    return int(whole) if not rest.strip("0") else 0
