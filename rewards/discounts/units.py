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
    pieces, count, off_minor = _taken(discount, basket, covered)
    return _split(_by_line(_first(pieces, count)), off_minor)


def worth(discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]) -> int:
    """What `given` comes to."""
    return _taken(discount, basket, covered)[2]


def _taken(
    discount: BuyGet | FixedPrice | FreeItem, basket: Basket, covered: Sequence[int]
) -> tuple[list[Pieces], int, int]:
    """Pieces of which the first so many are what the discount is about, and how much comes off them together."""
    if isinstance(discount, BuyGet):
        return _of_buy_get(discount, basket, covered)
    if isinstance(discount, FixedPrice):
        dearest = _on(basket, covered)[::-1]
        bundles, cost_minor = _bundles(discount, dearest)
        return dearest, bundles * discount.quantity, cost_minor - bundles * discount.price_minor
    free = _of_skus(basket, frozenset([discount.sku])) if covered else []
    return free, discount.most, _cost(free, discount.most)


def _of_buy_get(discount: BuyGet, basket: Basket, covered: Sequence[int]) -> tuple[list[Pieces], int, int]:
    """The cheapest pieces are given; of what may be both bought and given, enough stays bought."""
    if discount.get_skus is None:
        given_first = _on(basket, covered)
        times = _times(discount.times, _count(given_first) // (discount.buy + discount.get))
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
        spare = bought - times * discount.buy
        given_first = _first(cheapest, times * discount.get, of_both=spare, both=both)
    count = times * discount.get
    off_minor = share(_cost(given_first, count), bps=discount.bps)
    return given_first, count, off_minor if discount.cap_minor is None else min(off_minor, discount.cap_minor)


def _bundles(discount: FixedPrice, dearest: Iterable[Pieces]) -> tuple[int, int]:
    """How many bundles are cheaper than their pieces, the dearest bundled first, and what their pieces cost. Each costs
    no more than the one before it, so they end with the first that is not cheaper."""
    size, price_minor, most = discount.quantity, discount.price_minor, discount.times
    bundles = cost_minor = held = held_minor = 0
    for _, price, count in dearest:
        if held:
            more = min(size - held, count)
            held, held_minor, count = held + more, held_minor + price * more, count - more
            if held < size:
                continue
            if held_minor <= price_minor or bundles == most:
                break
            bundles, cost_minor, held, held_minor = bundles + 1, cost_minor + held_minor, 0, 0
        whole = count // size if most is None else min(count // size, most - bundles)
        if whole and price * size <= price_minor:
            break
        bundles, cost_minor = bundles + whole, cost_minor + whole * price * size
        if bundles == most:
            break
        held = count - whole * size
        held_minor = price * held
    return bundles, cost_minor


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


def _cost(pieces: Iterable[Pieces], count: int) -> int:
    """What the first `count` pieces cost, or all where there are fewer."""
    minor = 0
    for _, price, there in pieces:
        if there >= count:
            return minor + price * count
        minor += price * there
        count -= there
    return minor
