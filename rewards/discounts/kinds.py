"""The kinds of discounts. A campaign keeps its discount as JSON, one of:

    {"kind": "amount", "amount_minor": 500}                    so much off the lines that the coupon covers
    {"kind": "percentage", "bps": 1500, "cap_minor": 1000}     a share of them; the cap is optional
    {"kind": "lines", "needs_covered_line": true}              what the till's price list says, by line
    {"kind": "buy_get", "buy": 2, "get": 1, "bps": 10000, "times": null, "get_skus": null, "cap_minor": null}
                                   for each 2 bought 1 more is given (at 10000 bps free), as often as there are
                                   3 pieces or `times` at most; `get_skus`: what is given, if it is not what is bought
    {"kind": "cheapest_free", "of": 3, "times": null, "cap_minor": null}      of each 3 pieces one is free
    {"kind": "fixed_price", "quantity": 3, "price_minor": 999, "times": null} each 3 pieces together cost 9.99
    {"kind": "free_item", "sku": "cup", "most": 1}             pieces of a product that are free with what is covered
    {"kind": "value", "amount_minor": 2500}                    a gift card: what it holds when it is issued

How each is counted and rounded is told in `rewards.discounts.worths` and `rewards.discounts.units`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from core.money import MAX_AMOUNT_MINOR

#: More pieces than any basket has of a line, so that counting them stays in small numbers.
_MOST_PIECES = 1_000
_MOST_SKUS = 1_000


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
class BuyGet:
    """For `buy` pieces bought, `get` more at `bps` off; at most `times` (None: as often as there are pieces).

    get_skus  what is given; None: of what is covered, the cheapest pieces
    """

    buy: int
    get: int
    bps: int = 10_000
    times: int | None = None
    get_skus: frozenset[str] | None = None
    cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Each `quantity` of covered pieces together cost price_minor; at most `times`."""

    quantity: int
    price_minor: int
    times: int | None = None


@dataclass(frozen=True, slots=True)
class FreeItem:
    """`most` pieces of this product are free; a scope says what the basket must hold for it."""

    sku: str
    most: int = 1


@dataclass(frozen=True, slots=True)
class GiftValue:
    amount_minor: int


Discount = AmountOff | PercentageOff | TillLines | BuyGet | FixedPrice | FreeItem | GiftValue

#: What staff may write for a coupon, in the order in which they are told.
COUPON_KINDS = ("amount", "percentage", "lines", "buy_get", "cheapest_free", "fixed_price", "free_item")


def parse(kind: str, discount: Mapping[str, Any]) -> Discount:
    """A campaign's discount from its JSON.

    raises  InvalidInput naming the member that is wrong, or a discount that its kind of campaign cannot give
    """
    shape = discount.get("kind")
    if kind == "gift_card" and shape == "value":
        return GiftValue(_whole(discount, "amount_minor"))
    if kind == "coupon" and shape in COUPON_KINDS:
        return _coupon(shape, discount)
    named = ", ".join([f'"{each}"' for each in COUPON_KINDS])
    wanted = '"value" for a gift card' if kind == "gift_card" else f"one of {named} for a coupon"
    raise _invalid("kind", f"must be {wanted}")


def _coupon(shape: str, discount: Mapping[str, Any]) -> Discount:
    match shape:
        case "amount":
            return AmountOff(_whole(discount, "amount_minor"))
        case "percentage":
            return PercentageOff(_whole(discount, "bps", most=10_000), _whole_or_none(discount, "cap_minor"))
        case "lines":
            needs = discount.get("needs_covered_line", True)
            if not isinstance(needs, bool):
                raise _invalid("needs_covered_line", "must be true or false")
            return TillLines(needs)
        case "buy_get":
            return BuyGet(
                buy=_whole(discount, "buy", most=_MOST_PIECES),
                get=_whole(discount, "get", most=_MOST_PIECES),
                bps=_whole(discount, "bps", most=10_000) if "bps" in discount else 10_000,
                times=_whole_or_none(discount, "times", most=_MOST_PIECES),
                get_skus=_skus(discount),
                cap_minor=_whole_or_none(discount, "cap_minor"),
            )
        case "cheapest_free":
            return BuyGet(
                buy=_whole(discount, "of", least=2, most=_MOST_PIECES) - 1,
                get=1,
                times=_whole_or_none(discount, "times", most=_MOST_PIECES),
                cap_minor=_whole_or_none(discount, "cap_minor"),
            )
        case "fixed_price":
            return FixedPrice(
                quantity=_whole(discount, "quantity", most=_MOST_PIECES),
                price_minor=_whole(discount, "price_minor", least=0),
                times=_whole_or_none(discount, "times", most=_MOST_PIECES),
            )
        case _:
            most = _whole(discount, "most", most=_MOST_PIECES) if "most" in discount else 1
            return FreeItem(_sku(discount.get("sku"), "sku"), most)


def _skus(discount: Mapping[str, Any]) -> frozenset[str] | None:
    given = discount.get("get_skus")
    if given is None:
        return None
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_SKUS:
        raise _invalid("get_skus", f"must name 1 to {_MOST_SKUS} products")
    return frozenset([_sku(sku, "get_skus") for sku in given])


def _sku(given: object, member: str) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= 64:
        raise _invalid(member, "must name a product by its sku")
    return given


def _whole_or_none(discount: Mapping[str, Any], member: str, *, most: int = MAX_AMOUNT_MINOR) -> int | None:
    return None if discount.get(member) is None else _whole(discount, member, most=most)


def _whole(discount: Mapping[str, Any], member: str, *, least: int = 1, most: int = MAX_AMOUNT_MINOR) -> int:
    value = discount.get(member)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _invalid(member, f"must be a whole number from {least} to {most}")
    return value


def _invalid(member: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[{"pointer": f"/discount/{member}", "detail": detail}])
