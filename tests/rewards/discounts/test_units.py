"""Coupons that count pieces: what they take off, off which lines, and how it is rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from rewards import discounts
from rewards.baskets import Basket, Line


def line(sku: str, amount_minor: int, quantity: str = "1", unit: str | None = None) -> Line:
    return Line(sku=sku, category="", quantity=quantity, amount_minor=amount_minor, unit=unit)


def off(discount: dict[str, object], *lines: Line, skus: set[str] | None = None) -> dict[int, int]:
    """What the discount takes off each line."""
    basket = Basket(lines)
    covered = [at for at, each in enumerate(lines) if skus is None or each.sku in skus]
    priced = discounts.price(discounts.parse("coupon", discount), basket, covered)
    assert priced.worth_minor == sum(priced.caps.values())
    assert priced.worth_minor == discounts.worth_alone(discounts.parse("coupon", discount), basket, covered)
    return dict(priced.caps)


TWO_AND_ONE: dict[str, object] = {"kind": "buy_get", "buy": 2, "get": 1}


def test_for_two_bought_the_cheapest_third_is_free() -> None:
    assert off(TWO_AND_ONE, line("a", 300), line("b", 100), line("c", 200)) == {1: 100}
    assert off(TWO_AND_ONE, line("a", 300), line("b", 100)) == {}
    assert off(TWO_AND_ONE, line("a", 500, "5")) == {0: 100}
    assert off(TWO_AND_ONE, line("a", 600, "6")) == {0: 200}


def test_pieces_of_a_line_share_its_amount_to_the_cent() -> None:
    assert off(TWO_AND_ONE, line("a", 1_000, "3")) == {0: 333}
    assert off({"kind": "buy_get", "buy": 1, "get": 2}, line("a", 1_000, "3")) == {0: 666}
    assert off({"kind": "free_item", "sku": "a", "most": 3}, line("a", 1_000, "3")) == {0: 1_000}


def test_it_is_given_as_often_as_there_are_pieces_or_as_the_campaign_says() -> None:
    nine = line("a", 900, "9")

    assert off(TWO_AND_ONE, nine) == {0: 300}
    assert off(TWO_AND_ONE | {"times": 1}, nine) == {0: 100}
    assert off(TWO_AND_ONE | {"times": 4}, nine) == {0: 300}
    assert off(TWO_AND_ONE | {"cap_minor": 299}, nine) == {0: 299}


def test_share_of_what_is_given_is_rounded_half_to_even_once_and_split_by_largest_remainder() -> None:
    half = {"kind": "buy_get", "buy": 1, "get": 1, "bps": 5_000}

    assert off(half, line("a", 25), line("b", 25)) == {0: 12}
    assert off(half, line("a", 27), line("b", 27)) == {0: 14}
    assert off(half, line("a", 3), line("b", 3), line("c", 9), line("d", 9)) == {0: 2, 1: 1}


def test_another_product_is_given_with_what_is_bought() -> None:
    cup: dict[str, object] = {"kind": "buy_get", "buy": 2, "get": 1, "get_skus": ["cup"]}
    coffee = {"coffee"}

    assert off(cup, line("coffee", 800, "2"), line("cup", 500), skus=coffee) == {1: 500}
    assert off(cup, line("coffee", 400), line("cup", 500), skus=coffee) == {}
    assert off(cup, line("coffee", 800, "2"), skus=coffee) == {}
    assert off(cup, line("coffee", 1_600, "4"), line("cup", 500), skus=coffee) == {1: 500}


def test_piece_that_is_given_is_not_bought_as_well() -> None:
    either: dict[str, object] = {"kind": "buy_get", "buy": 2, "get": 1, "get_skus": ["tea", "cup"]}
    both = {"coffee", "tea"}

    assert off(either, line("coffee", 300), line("tea", 200), skus=both) == {}
    assert off(either, line("coffee", 300), line("tea", 400, "2"), skus=both) == {1: 200}
    assert off(either, line("coffee", 300), line("tea", 200), line("cup", 900), skus=both) == {2: 900}
    assert off(either, line("coffee", 600, "2"), line("tea", 200), line("cup", 900), skus=both) == {1: 200}


def test_of_each_three_the_cheapest_is_free() -> None:
    three: dict[str, object] = {"kind": "cheapest_free", "of": 3}
    lines = [line("a", 100), line("b", 200), line("c", 300), line("d", 400), line("e", 500), line("f", 600)]

    assert off(three, *lines[:2]) == {}
    assert off(three, *lines[:3]) == {0: 100}
    assert off(three, *lines) == {0: 100, 1: 200}
    assert off(three | {"times": 1}, *lines) == {0: 100}


def test_bundle_costs_a_fixed_price_and_the_dearest_are_bundled_first() -> None:
    three: dict[str, object] = {"kind": "fixed_price", "quantity": 3, "price_minor": 999}

    assert off(three, line("a", 1_000, "2")) == {}
    assert off(three, line("a", 1_500, "3")) == {0: 501}
    assert sum(off(three, line("a", 100), line("b", 500), line("c", 500), line("d", 500)).values()) == 501
    assert off(three, line("a", 600, "3")) == {}
    assert off(three, line("a", 999, "3")) == {}


def test_bundles_that_would_cost_more_than_their_pieces_are_left_out() -> None:
    two: dict[str, object] = {"kind": "fixed_price", "quantity": 2, "price_minor": 500}
    lines = [line("dear", 2_000, "4"), line("cheap", 400, "4")]

    assert off(two, *lines) == {0: 1_000}
    assert off(two | {"times": 1}, *lines) == {0: 500}
    assert off(two | {"price_minor": 0}, *lines) == {0: 2_000, 1: 400}


def test_free_item_needs_what_its_scope_says() -> None:
    cup: dict[str, object] = {"kind": "free_item", "sku": "cup"}

    assert off(cup, line("coffee", 300), line("cup", 500)) == {1: 500}
    assert off(cup, line("coffee", 300), line("cup", 1_000, "2"), skus={"coffee"}) == {1: 500}
    assert off(cup, line("tea", 300), line("cup", 500), skus={"coffee"}) == {}
    assert off(cup, line("coffee", 300)) == {}


@pytest.mark.parametrize("quantity", ["0", "0.5", "1.5", "2.000001"])
def test_only_whole_pieces_count(quantity: str) -> None:
    assert off(TWO_AND_ONE, line("a", 900, "2.000"), line("b", 300, quantity)) == {}
    assert off(TWO_AND_ONE, line("a", 900, "3.0"), line("b", 300, quantity)) == {0: 300}
    assert off(TWO_AND_ONE, line("a", 900, "3", unit="kg")) == {}


def test_huge_line_is_counted_without_a_list_of_its_pieces() -> None:
    assert off(TWO_AND_ONE, line("a", 999_999_999, "999999999")) == {0: 333_333_333}
    assert off({"kind": "fixed_price", "quantity": 3, "price_minor": 1}, line("a", 2_999_999_997, "999999999")) == {
        0: 2_999_999_997 - 333_333_333
    }


@pytest.mark.parametrize(
    ("discount", "pointer"),
    [
        ({"kind": "buy_get", "buy": 0, "get": 1}, "/discount/buy"),
        ({"kind": "buy_get", "buy": 1}, "/discount/get"),
        ({"kind": "buy_get", "buy": 1, "get": 1, "bps": 10_001}, "/discount/bps"),
        ({"kind": "buy_get", "buy": 1, "get": 1, "times": 0}, "/discount/times"),
        ({"kind": "buy_get", "buy": 1, "get": 1, "get_skus": []}, "/discount/get_skus"),
        ({"kind": "buy_get", "buy": 1, "get": 1, "get_skus": [7]}, "/discount/get_skus"),
        ({"kind": "buy_get", "buy": 1, "get": 1, "cap_minor": -1}, "/discount/cap_minor"),
        ({"kind": "cheapest_free", "of": 1}, "/discount/of"),
        ({"kind": "fixed_price", "quantity": 1_001, "price_minor": 5}, "/discount/quantity"),
        ({"kind": "fixed_price", "quantity": 2, "price_minor": -1}, "/discount/price_minor"),
        ({"kind": "free_item"}, "/discount/sku"),
        ({"kind": "free_item", "sku": "a", "most": 0}, "/discount/most"),
    ],
)
def test_discount_of_pieces_that_makes_no_sense_is_refused_by_name(discount: dict[str, object], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        discounts.parse("coupon", discount)
    assert refusal.value.facts["errors"][0]["pointer"] == pointer


AMOUNTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=1, max_size=4)


@given(AMOUNTS, st.integers(1, 4), st.integers(0, 60), st.none() | st.integers(1, 3))
def test_bundles_are_those_that_one_would_make_piece_by_piece(
    amounts: list[tuple[int, int]], size: int, price_minor: int, times: int | None
) -> None:
    lines = [line(str(at), minor, str(count)) for at, (minor, count) in enumerate(amounts)]
    pieces = sorted(
        [minor // count + (number < minor % count) for minor, count in amounts for number in range(count)],
        reverse=True,
    )
    bundles = [sum(pieces[at : at + size]) for at in range(0, len(pieces) - size + 1, size)][:times]
    cheaper = [bundle - price_minor for bundle in bundles if bundle > price_minor]

    found = off({"kind": "fixed_price", "quantity": size, "price_minor": price_minor, "times": times}, *lines)

    assert sum(found.values()) == sum(cheaper)
