"""What vouchers take off: the arithmetic."""

from itertools import permutations

import pytest

from core.errors import InvalidInput
from rewards import discounts
from rewards.baskets import Basket, Line
from rewards.discounts import Basis


def worth(discount: dict[str, object], *amounts: int, skus: set[str] | None = None, rest: int | None = None) -> int:
    lines = [Line(sku=f"sku{at}", category="", quantity="1", amount_minor=minor) for at, minor in enumerate(amounts)]
    basis = Basis(Basket(tuple(lines)))
    basis.rest_minor = basis.rest_minor if rest is None else rest
    return discounts.worth(discounts.parse("coupon", discount), basis, basis.covered(skus))


def test_percentage_rounds_half_to_even() -> None:
    assert worth({"kind": "percentage", "bps": 250}, 1_050) == 26
    assert worth({"kind": "percentage", "bps": 5_000}, 1) == 0
    assert worth({"kind": "percentage", "bps": 5_000}, 3) == 2
    assert worth({"kind": "percentage", "bps": 10_000}, 1_050) == 1_050


def test_percentage_is_of_the_covered_lines_together() -> None:
    assert worth({"kind": "percentage", "bps": 1_000}, 5, 5, 1_000, skus={"sku0", "sku1"}) == 1


def test_percentage_stops_at_its_cap() -> None:
    capped = {"kind": "percentage", "bps": 1_000, "cap_minor": 100}

    assert [worth(capped, minor) for minor in (990, 1_000, 1_010, 5_000)] == [99, 100, 100, 100]


def test_amount_stops_at_what_it_covers_and_at_the_rest() -> None:
    off = {"kind": "amount", "amount_minor": 500}

    assert [worth(off, minor) for minor in (499, 500, 501)] == [499, 500, 500]
    assert worth(off, 300, 900, skus={"sku0"}) == 300
    assert worth(off, 900, rest=120) == 120


def taken_in_turn(*coupons: tuple[int, set[str] | None], kind: str = "amount") -> list[int]:
    """What coupons of (amount, scope) take off three lines of 6.00, 4.00 and 20.00, one after the other."""
    lines = [Line(sku=sku, category="", quantity="1", amount_minor=minor) for sku, minor in BASKET.items()]
    basis, offs = Basis(Basket(tuple(lines))), []
    for amount_minor, skus in coupons:
        discount = {"kind": kind, "amount_minor": amount_minor, "bps": amount_minor}
        off = basis.offer(discounts.parse("coupon", discount), basis.covered(skus))
        basis.take(off)
        offs.append(off.worth_minor)
    return offs


BASKET = {"milk": 600, "tea": 400, "wine": 2_000}


def test_coupons_together_take_off_no_more_than_the_lines_that_they_cover() -> None:
    milk, breakfast = {"milk"}, {"milk", "tea"}

    assert taken_in_turn((500, milk), (500, milk), (1, milk)) == [500, 100, 0]
    assert taken_in_turn((6_000, milk), (6_000, milk), kind="percentage") == [360, 240]
    assert taken_in_turn((500, milk), (600, breakfast)) == [500, 500]
    assert taken_in_turn((900, breakfast), (600, milk), (1, breakfast)) == [900, 100, 0]


def test_coupon_for_more_lines_leaves_room_where_the_others_can_bear_it() -> None:
    assert taken_in_turn((2_400, None), (600, {"milk"})) == [2_400, 600]
    assert taken_in_turn((2_500, None), (600, {"milk"})) == [2_500, 500]


def test_coupons_that_overlap_never_add_to_a_basket() -> None:
    milk, tea, wine = ({name} for name in BASKET)
    coupons = [(9_999, milk | tea), (9_999, tea | wine), (9_999, milk | wine), (9_999, tea), (9_999, None)]

    for order in permutations(coupons):
        offs = taken_in_turn(*order)
        assert min(offs) >= 0
        assert sum(offs) <= 3_000


@pytest.mark.parametrize(
    ("kind", "discount", "pointer"),
    [
        ("coupon", {}, "/discount/kind"),
        ("coupon", {"kind": "value", "amount_minor": 5}, "/discount/kind"),
        ("gift_card", {"kind": "amount", "amount_minor": 5}, "/discount/kind"),
        ("coupon", {"kind": "amount"}, "/discount/amount_minor"),
        ("coupon", {"kind": "amount", "amount_minor": 0}, "/discount/amount_minor"),
        ("coupon", {"kind": "amount", "amount_minor": True}, "/discount/amount_minor"),
        ("gift_card", {"kind": "value", "amount_minor": 2**53}, "/discount/amount_minor"),
        ("coupon", {"kind": "percentage", "bps": 10_001}, "/discount/bps"),
        ("coupon", {"kind": "percentage", "bps": 1, "cap_minor": 0}, "/discount/cap_minor"),
        ("coupon", {"kind": "lines", "needs_covered_line": 1}, "/discount/needs_covered_line"),
    ],
)
def test_discount_that_makes_no_sense_is_refused_by_name(kind: str, discount: dict[str, object], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        discounts.parse(kind, discount)
    assert refusal.value.facts["errors"][0]["pointer"] == pointer
