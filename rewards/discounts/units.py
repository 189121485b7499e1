"""Discounts that count pieces: which pieces they take, and what comes off each line.

Only whole pieces count: a line of 0.435 kg, or one with any unit, holds none. The pieces of a line share its amount to
the cent, so three for 10.00 are 3.34, 3.33 and 3.33. They are kept as (position, price, count), never one by one: a
line of a million pieces is two such entries.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from core.money import share
from rewards.baskets import Basket, Line
from rewards.discounts.kinds import BuyGet, FixedPrice, FreeItem
from wallet.shares import shares


@dataclass(frozen=True, slots=True)
class Pieces:
    """Equal pieces of one line."""

    position: int
    price_minor: int
    count: int


def given(discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]) -> dict[int, int]:
    """What the discount takes off each line, in minor units; empty where the basket has too few pieces.

    rounding  a share of what is given is rounded half to even once, then split over the lines by largest remainder
    """
    if isinstance(discount, BuyGet):
        return _of_buy_get(discount, basket, covered)
    if isinstance(discount, FixedPrice):
        return _of_fixed_price(discount, basket, covered)
    if not covered:
        return {}
    cups = [position for position, line in enumerate(basket.lines) if line.sku == discount.sku]
    return _by_line(_first(_cheapest(basket, cups), discount.most))


def _of_buy_get(discount: BuyGet, basket: Basket, covered: Sequence[int]) -> dict[int, int]:
    """The cheapest pieces are given; of what may be both bought and given, enough stays bought."""
    get_skus = discount.get_skus
    if get_skus is None:
        cheapest = _cheapest(basket, covered)
        bought = spare = _count(cheapest)
        times = _times(discount.times, spare // (discount.buy + discount.get))
        taken = _first(cheapest, times * discount.get)
    else:
        bought = _count(_cheapest(basket, covered))
        cheapest = _cheapest(basket, [at for at, line in enumerate(basket.lines) if line.sku in get_skus])
        both = set(covered)
        either = bought + _count(each for each in cheapest if each.position not in both)
        times = _times(
            discount.times,
            bought // discount.buy,
            _count(cheapest) // discount.get,
            either // (discount.buy + discount.get),
        )
        spare = bought - times * discount.buy
        taken = _first(cheapest, times * discount.get, of_both=spare, both=both)
    wanted = _by_line(taken)
    off_minor = share(sum(wanted.values()), bps=discount.bps)
    return _split(wanted, off_minor if discount.cap_minor is None else min(off_minor, discount.cap_minor))


def _of_fixed_price(discount: FixedPrice, basket: Basket, covered: Sequence[int]) -> dict[int, int]:
    """The dearest pieces are bundled first, as many bundles as are cheaper than their pieces."""
    dearest = _cheapest(basket, covered)[::-1]
    size, most = discount.quantity, _times(discount.times, _count(dearest) // discount.quantity)

    def is_cheaper(bundle: int) -> bool:
        before = _value(_first(dearest, (bundle - 1) * size))
        return _value(_first(dearest, bundle * size)) - before > discount.price_minor

    least = 0  # each bundle costs no more than the one before it, so those that are cheaper come first
    while least < most:
        middle = (least + most + 1) // 2
        if is_cheaper(middle):
            least = middle
        else:
            most = middle - 1
    bundled = _by_line(_first(dearest, least * size))
    return _split(bundled, sum(bundled.values()) - least * discount.price_minor)


def _cheapest(basket: Basket, positions: Iterable[int]) -> list[Pieces]:
    """The pieces of these lines, the cheapest first."""
    found: list[Pieces] = []
    for position in positions:
        line = basket.lines[position]
        count = _whole_pieces(line)
        if count:
            price, dearer = divmod(line.amount_minor, count)
            found.append(Pieces(position, price, count - dearer))
            if dearer:
                found.append(Pieces(position, price + 1, dearer))
    return sorted(found, key=lambda each: (each.price_minor, each.position))


def _whole_pieces(line: Line) -> int:
    if line.unit is not None:
        return 0
    whole, _, rest = line.quantity.partition(".")
    return int(whole) if not rest.strip("0") else 0


def _first(
    pieces: Iterable[Pieces], count: int, *, of_both: int | None = None, both: Set[int] = frozenset()
) -> list[Pieces]:
    """The first `count` pieces; at most `of_both` of those on lines in `both`."""
    found: list[Pieces] = []
    for each in pieces:
        if not count:
            break
        taken = min(each.count, count)
        if of_both is not None and each.position in both:
            taken = min(taken, of_both)
            of_both -= taken
        if taken:
            found.append(replace(each, count=taken))
            count -= taken
    return found


def _by_line(pieces: Iterable[Pieces]) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in pieces:
        if each.price_minor:
            found[each.position] = found.get(each.position, 0) + each.price_minor * each.count
    return found


def _split(wanted: dict[int, int], off_minor: int) -> dict[int, int]:
    """An amount over lines in proportion to what they want, never more than that."""
    if off_minor <= 0:
        return {}
    parts = zip(wanted, shares(list(wanted.values()), off_minor), strict=True)
    return {position: part for position, part in parts if part}


def _times(limit: int | None, *found: int) -> int:
    return min(found) if limit is None else min(limit, *found)


def _count(pieces: Iterable[Pieces]) -> int:
    return sum([each.count for each in pieces])


def _value(pieces: Iterable[Pieces]) -> int:
    return sum([each.price_minor * each.count for each in pieces])
