"""What coupons take off a small basket, worked out in the plainest way that there is: piece by piece, set by set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import combinations
from typing import Any

from rewards.baskets import Line
from wallet.shares import shares


@dataclass(frozen=True)
class Offer:
    """What a coupon may take: so much in all, so much off each line. `lines`: whose coupon_minor it takes."""

    most: int
    of_line: dict[int, int]
    lines: frozenset[int] = frozenset()


def together(lines: Sequence[Line], offers: Iterable[Offer]) -> int:
    """The most that these offers take off the lines together, each line bearing what it costs.

    By the theorem of the cheapest cut: whichever lines are worn out, the others bear what is asked of them.
    """
    asked = list(offers)
    everything = range(len(lines))
    return min(
        sum(lines[at].amount_minor for at in worn)
        + sum(min(each.most, sum(each.of_line.get(at, 0) for at in everything if at not in worn)) for each in asked)
        for size in range(len(lines) + 1)
        for worn in combinations(everything, size)
    )


def offer(discount: dict[str, Any], lines: Sequence[Line], covered: Sequence[int], *, taken: frozenset[int]) -> Offer:
    """taken: lines whose coupon_minor another coupon of the basket has taken"""
    if discount["kind"] == "lines":
        wanted = {at: lines[at].coupon_minor for at in covered if at not in taken}
        costs = {at: line.amount_minor for at, line in enumerate(lines)}
        return Offer(min(sum(wanted.values()), sum(costs.values())), costs, frozenset(wanted))
    if discount["kind"] in ("amount", "percentage"):
        costs = {at: lines[at].amount_minor for at in covered}
        return Offer(_off(discount, sum(costs.values())), costs)
    pieces = _pieces(discount, lines, covered)
    wanted = {at: sum(price for place, price in pieces if place == at) for at, _ in pieces}
    wanted = {at: price for at, price in wanted.items() if price}
    off = sum(wanted.values()) - _price(discount, pieces)
    if off <= 0:
        return Offer(0, {})
    return Offer(off, dict(zip(wanted, shares(list(wanted.values()), off), strict=True)))


def _off(discount: dict[str, Any], cost: int) -> int:
    if discount["kind"] == "amount":
        return min(int(discount["amount_minor"]), cost)
    off = int((Decimal(cost) * discount["bps"] / 10_000).to_integral_value(ROUND_HALF_EVEN))
    return min(off, discount.get("cap_minor", off))


def _pieces(discount: dict[str, Any], lines: Sequence[Line], covered: Sequence[int]) -> list[tuple[int, int]]:
    """The pieces that the discount is about, as (line, price), the cheapest first."""
    pieces = sorted([(price, at) for at in range(len(lines)) for price in _prices(lines[at])])
    mine = [(at, price) for price, at in pieces if at in covered]
    match discount["kind"]:
        case "cheapest_free":
            return mine[: len(mine) // discount["of"]]
        case "free_item":
            free = [(at, price) for price, at in pieces if lines[at].sku == discount["sku"]]
            return free[: discount.get("most", 1)] if covered else []
        case "fixed_price":
            size, bundles = discount["quantity"], []
            dearest = mine[::-1]
            while len(dearest) >= size and sum(price for _, price in dearest[:size]) > discount["price_minor"]:
                bundles, dearest = [*bundles, *dearest[:size]], dearest[size:]
            return bundles
    raise AssertionError(discount)


def _price(discount: dict[str, Any], pieces: Sequence[tuple[int, int]]) -> int:
    """What the pieces still cost."""
    if discount["kind"] != "fixed_price":
        return 0
    return len(pieces) // int(discount["quantity"]) * int(discount["price_minor"])


def _prices(line: Line) -> list[int]:
    """A line's pieces share its amount to the cent."""
    count = int(line.quantity)
    price, dearer = divmod(line.amount_minor, count)
    return [price] * (count - dearer) + [price + 1] * dearer
