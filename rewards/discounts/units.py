"""Discounts that count pieces: which pieces they take, and what comes off each line.

Only whole pieces count: a line of 0.435 kg, or one with any unit, holds none. The pieces of a line share its amount to
the cent, so three for 10.00 are 3.34, 3.33 and 3.33. Equal ones stay together and are never listed one by one: a line
of a million pieces is two entries of `Basket.pieces`.
"""

from collections.abc import Iterable, Sequence, Set

from core.money import share
from rewards.baskets import Basket, Pieces
from rewards.discounts.kinds import BuyGet, FixedPrice, FreeItem
from wallet.shares import shares

_NOWHERE: frozenset[int] = frozenset()


def given(discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]) -> dict[int, int]:
    """What the discount takes off each line, in minor units; empty where the basket has too few pieces.

    rounding  a share of what is given is rounded half to even once, then split over the lines by largest remainder
    """
    taken, off_minor = _taken(discount, basket, covered)
    return _split(_by_line(taken), off_minor)


def worth(discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]) -> int:
    """What `given` comes to."""
    return _taken(discount, basket, covered)[1]


def _taken(
    discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]
) -> tuple[list[Pieces], int]:
    """The pieces that the discount is about, and how much comes off them together."""
    if isinstance(discount, BuyGet):
        return _of_buy_get(discount, basket, covered)
    if isinstance(discount, FixedPrice):
        return _of_fixed_price(discount, basket, covered)
    free = _first(_of_skus(basket, frozenset([discount.sku])), discount.most) if covered else []
    return free, _cost(free)


def _of_buy_get(discount: BuyGet, basket: Basket, covered: Sequence[int]) -> tuple[list[Pieces], int]:
    """The cheapest pieces are given; of what may be both bought and given, enough stays bought."""
    if discount.get_skus is None:
        cheapest = _on(basket, covered)
        times = _times(discount.times, _count(cheapest) // (discount.buy + discount.get))
        taken = _first(cheapest, times * discount.get)
    else:
        both = frozenset(covered)
        bought = _count(_on(basket, covered))
        cheapest = _of_skus(basket, discount.get_skus)
        either = bought + _count(each for each in cheapest if each[0] not in both)
        times = _times(
            discount.times,
            bought // discount.buy,
            _count(cheapest) // discount.get,
            either // (discount.buy + discount.get),
        )
        taken = _first(cheapest, times * discount.get, of_both=bought - times * discount.buy, both=both)
    off_minor = share(_cost(taken), bps=discount.bps)
    return taken, off_minor if discount.cap_minor is None else min(off_minor, discount.cap_minor)


def _of_fixed_price(discount: FixedPrice, basket: Basket, covered: Sequence[int]) -> tuple[list[Pieces], int]:
    """The dearest pieces are bundled first, as many bundles as are cheaper than their pieces."""
    dearest = _on(basket, covered)[::-1]
    size = discount.quantity
    least, most = 0, _times(discount.times, _count(dearest) // size)
    while least < most:  # each bundle costs no more than the one before it, so those that are cheaper come first
        middle = (least + most + 1) // 2
        bundle_minor = _value(dearest, middle * size) - _value(dearest, (middle - 1) * size)
        if bundle_minor > discount.price_minor:
            least = middle
        else:
            most = middle - 1
    bundled = _first(dearest, least * size)
    return bundled, _cost(bundled) - least * discount.price_minor


def _on(basket: Basket, covered: Sequence[int]) -> list[Pieces]:
    """The pieces of these lines, the cheapest first."""
    if len(covered) == len(basket.lines):
        return basket.pieces
    positions = frozenset(covered)
    return [each for each in basket.pieces if each[0] in positions]


def _of_skus(basket: Basket, skus: Set[str]) -> list[Pieces]:
    lines = basket.lines
    return [each for each in basket.pieces if lines[each[0]].sku in skus]


def _first(pieces: Iterable[Pieces], count: int, *, of_both: int = 0, both: Set[int] = _NOWHERE) -> list[Pieces]:
    """The first `count` pieces, of those on the lines in `both` at most `of_both`."""
    found: list[Pieces] = []
    for position, price, there in pieces:
        if not count:
            break
        taken = there if there < count else count
        if position in both:
            taken = min(taken, of_both)
            of_both -= taken
        if taken:
            found.append((position, price, taken))
            count -= taken
    return found


def _by_line(pieces: Iterable[Pieces]) -> dict[int, int]:
    found: dict[int, int] = {}
    for position, price, count in pieces:
        if price:
            found[position] = found.get(position, 0) + price * count
    return found


def _split(wanted: dict[int, int], off_minor: int) -> dict[int, int]:
    """An amount over lines in proportion to what they want, never more than that."""
    if off_minor <= 0:
        return {}
    if off_minor == sum(wanted.values()):
        return wanted
    parts = zip(wanted, shares(list(wanted.values()), off_minor), strict=True)
    return {position: part for position, part in parts if part}


def _times(limit: int | None, *found: int) -> int:
    return min(found) if limit is None else min(limit, *found)


def _count(pieces: Iterable[Pieces]) -> int:
    return sum([count for _, _, count in pieces])


def _cost(pieces: Iterable[Pieces]) -> int:
    return sum([price * count for _, price, count in pieces])


def _value(pieces: Iterable[Pieces], count: int) -> int:
    """What the first `count` pieces cost."""
    minor = 0
    for _, price, there in pieces:
        if there >= count:
            return minor + price * count
        minor += price * there
        count -= there
    return minor
