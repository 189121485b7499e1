"""What several coupons take off one basket: as much as the lines can bear, whatever the order."""

from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from rewards import discounts
from rewards.baskets import Basket, Line
from rewards.discounts import Basis, Discount
from rewards.discounts.flow import Flow

Coupon = tuple[dict[int, int], int]

COSTS = st.lists(st.integers(0, 12), min_size=1, max_size=5)
SHAPES = st.one_of(
    st.builds(lambda minor: {"kind": "amount", "amount_minor": minor}, st.integers(1, 30)),
    st.builds(lambda bps: {"kind": "percentage", "bps": bps}, st.integers(1, 10_000)),
    st.builds(
        lambda buy, get, bps: {"kind": "buy_get", "buy": buy, "get": get, "bps": bps},
        st.integers(1, 2),
        st.integers(1, 2),
        st.integers(1, 10_000),
    ),
    st.builds(
        lambda size, minor: {"kind": "fixed_price", "quantity": size, "price_minor": minor},
        st.integers(1, 3),
        st.integers(0, 20),
    ),
    st.just({"kind": "free_item", "sku": "1"}),
    st.just({"kind": "lines", "needs_covered_line": False}),
)
SKUS = ["0", "1", "2", "3"]
LINES = st.builds(
    Line,
    sku=st.sampled_from(SKUS),
    category=st.just(""),
    quantity=st.sampled_from(["1", "2", "3", "0.5"]),
    amount_minor=st.integers(0, 12),
    coupon_minor=st.integers(0, 15),
)
BASKETS = st.lists(LINES, min_size=1, max_size=5).map(lambda lines: Basket(tuple(lines)))
COUPONS = st.lists(st.tuples(SHAPES, st.none() | st.sets(st.sampled_from(SKUS), min_size=1)), max_size=4)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[Coupon]]:
    costs = draw(COSTS)
    caps = st.dictionaries(st.integers(0, len(costs) - 1), st.integers(0, 12))
    return costs, draw(st.lists(st.tuples(caps, st.integers(0, 20)), max_size=4))


def smallest_cut(costs: list[int], coupons: list[Coupon]) -> int:
    """The most that can flow, by the theorem: the least over all sets of lines that are cut off."""
    lines = range(len(costs))
    cuts = [set(cut) for size in range(len(costs) + 1) for cut in combinations(lines, size)]
    return min(
        sum(costs[line] for line in cut)
        + sum(min(most, sum(cap for line, cap in caps.items() if line not in cut)) for caps, most in coupons)
        for cut in cuts
    )


@given(networks())
def test_coupons_take_together_what_the_smallest_cut_lets_through(network: tuple[list[int], list[Coupon]]) -> None:
    costs, coupons = network
    flow = Flow(costs)
    taken = []
    for caps, most in coupons:
        room = flow.room(caps, most)
        taken.append(flow.add(caps, most, weights=caps))
        assert room == taken[-1]

    assert sum(taken) == smallest_cut(costs, coupons)
    allocation = flow.allocation()
    assert [sum(amount for _, amount in parts) for parts in allocation] == taken
    for line, cost in enumerate(costs):
        assert sum(amount for parts in allocation for at, amount in parts if at == line) <= cost
    for parts, (caps, _) in zip(allocation, coupons, strict=True):
        assert all(0 < amount <= caps[line] for line, amount in parts)


def applied(basket: Basket, coupons: list[tuple[Discount, set[str] | None]]) -> Basis:
    basis = Basis(basket)
    for discount, skus in coupons:
        basis.take(basis.offer(discount, basis.covered(skus)))
    return basis


@given(BASKETS, COUPONS)
def test_total_of_a_set_hangs_on_no_order(
    basket: Basket, shapes: list[tuple[dict[str, object], set[str] | None]]
) -> None:
    coupons = [(discounts.parse("coupon", shape), skus) for shape, skus in shapes]

    assert len({applied(basket, list(order)).rest_minor for order in permutations(coupons)}) == 1


@given(BASKETS, COUPONS)
def test_lines_bear_all_that_is_taken_and_no_more_than_they_cost(
    basket: Basket, shapes: list[tuple[dict[str, object], set[str] | None]]
) -> None:
    basis = applied(basket, [(discounts.parse("coupon", shape), skus) for shape, skus in shapes])

    by_line = [0] * len(basket.lines)
    for parts in basis.allocation():
        for line, amount in parts:
            by_line[line] += amount
    assert sum(by_line) == basket.total_minor - basis.rest_minor
    assert all(0 <= taken <= line.amount_minor for taken, line in zip(by_line, basket.lines, strict=True))


def test_share_of_a_basket_comes_off_its_lines_in_proportion() -> None:
    lines = [Line(sku=str(at), category="", quantity="1", amount_minor=minor) for at, minor in enumerate((600, 401))]
    basis = applied(Basket(tuple(lines)), [(discounts.parse("coupon", {"kind": "percentage", "bps": 1_000}), None)])

    assert basis.allocation() == [((0, 60), (1, 40))]


def test_price_list_takes_off_its_own_lines_first() -> None:
    lines = [
        Line(sku=str(at), category="", quantity="1", amount_minor=100, coupon_minor=minor)
        for at, minor in enumerate((30, 120))
    ]
    by_line = discounts.parse("coupon", {"kind": "lines"})

    assert applied(Basket(tuple(lines)), [(by_line, {"1"})]).allocation() == [((0, 20), (1, 100))]
