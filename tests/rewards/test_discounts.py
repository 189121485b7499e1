"""What vouchers take off: the arithmetic."""

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
