"""The best combination of coupons: never worse than any that could be tried out, and told why."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import ids
from rewards import discounts
from rewards.baskets import Basket, Line
from rewards.discounts import Basis
from rewards.offers import combining, stacking
from rewards.offers.combining import Candidate
from rewards.terms import Terms

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SKUS = ["milk", "tea", "wine"]


def terms(discount: dict[str, object] | None = None, campaign_id: UUID | None = None, **changes: object) -> Terms:
    discount = discount or {"kind": "amount", "amount_minor": 500}
    fixed = (discounts.parse("coupon", discount), "USD", False, 0, None, None, None, None, "running", NOW, NOW)
    return Terms(campaign_id or ids.new(), "coupon", *fixed, **changes)  # type: ignore[arg-type]


def candidate(
    basket: Basket,
    discount: dict[str, object],
    skus: set[str] | None = None,
    *,
    campaign_id: UUID | None = None,
    expires_at: datetime | None = None,
    uses_left: int | None = None,
    budget_left: int | None = None,
    **changes: object,
) -> Candidate:
    of = terms(discount, campaign_id, **changes)
    priced = discounts.price(of.discount, basket, Basis(basket).covered(skus))
    return Candidate(
        id=ids.new(), terms=of, priced=priced, expires_at=expires_at, uses_left=uses_left, budget_left=budget_left
    )


def off(minor: int) -> dict[str, object]:
    return {"kind": "amount", "amount_minor": minor}


def basket_of(*amounts: int) -> Basket:
    lines = zip(SKUS, amounts, strict=False)
    return Basket(tuple([Line(sku=sku, category="", quantity="1", amount_minor=minor) for sku, minor in lines]))


def taken(found: combining.Combination) -> list[tuple[UUID, int]]:
    return [(each.candidate.id, each.amount_minor) for each in found.chosen]


def test_coupons_without_category_go_together_the_dearest_first() -> None:
    basket = basket_of(2_000)
    small, large = candidate(basket, off(300)), candidate(basket, off(700))

    found = combining.best([small, large], basket)

    assert taken(found) == [(large.id, 700), (small.id, 300)]
    assert (found.total_minor, found.left_out, found.is_exact) == (1_000, [], True)


def test_of_one_category_the_one_that_adds_most_is_taken() -> None:
    basket = basket_of(2_000)
    small = candidate(basket, off(300), category="summer")
    large = candidate(basket, off(700), category="summer")
    other = candidate(basket, off(100), category="winter")

    found = combining.best([small, large, other], basket)

    assert taken(found) == [(large.id, 700), (other.id, 100)]
    assert [(each.candidate.id, each.code, each.facts) for each in found.left_out] == [
        (small.id, "stacking_excluded", {"category": "summer", "by": large.id})
    ]


def test_dearest_of_a_category_is_left_where_another_goes_better_with_the_rest() -> None:
    """Taking the dearest first would give 1 000: both would come off the milk."""
    basket = basket_of(1_000, 900)
    milk = candidate(basket, off(1_000), {"milk"}, category="a")
    tea = candidate(basket, off(900), {"tea"}, category="a")
    fresh = candidate(basket, off(990), {"milk"}, category="b")

    found = combining.best([milk, tea, fresh], basket)

    assert dict(taken(found)) == {tea.id: 900, fresh.id: 990}


@pytest.mark.parametrize(("alone_minor", "wins"), [(999, False), (1_000, False), (1_001, True)])
def test_exclusive_coupon_stands_alone_where_it_takes_more_than_all_others(alone_minor: int, wins: bool) -> None:
    basket = basket_of(2_000)
    alone = candidate(basket, off(alone_minor), is_exclusive=True)
    others = [candidate(basket, off(600)), candidate(basket, off(400))]

    found = combining.best([alone, *others], basket)

    assert [each.candidate.id for each in found.chosen] == ([alone.id] if wins else [each.id for each in others])
    left = {each.candidate.id: each.facts for each in found.left_out}
    by = found.chosen[0].candidate.id
    expected = [each.id for each in others] if wins else [alone.id]
    assert left == {each: {"exclusive": True, "by": by} for each in expected}


def test_priority_decides_between_those_that_take_as_much_and_who_comes_first() -> None:
    basket = basket_of(1_000)
    plain = candidate(basket, off(500), category="a")
    urgent = candidate(basket, off(500), category="a", priority=5)
    last = candidate(basket, off(800))

    found = combining.best([plain, last, urgent], basket)

    assert taken(found) == [(urgent.id, 500), (last.id, 500)]


def test_campaign_gives_as_often_as_its_counters_and_its_budget_allow_what_expires_first() -> None:
    basket, campaign_id = basket_of(5_000), ids.new()
    late, soon, sooner = (
        candidate(basket, off(500), campaign_id=campaign_id, expires_at=NOW + timedelta(days=days), uses_left=2)
        for days in (9, 5, 1)
    )

    found = combining.best([late, soon, sooner], basket)

    assert [each.candidate.id for each in found.chosen] == [sooner.id, soon.id]
    assert [(each.candidate.id, each.code) for each in found.left_out] == [(late.id, "limit_reached")]

    for budget_minor, codes in ((1_000, []), (999, ["budget_exhausted"]), (499, ["budget_exhausted"] * 2)):
        two = [candidate(basket, off(500), campaign_id=campaign_id, budget_left=budget_minor) for _ in range(2)]
        assert [each.code for each in combining.best(two, basket).left_out] == codes


def test_coupon_that_adds_nothing_is_kept_for_another_day() -> None:
    basket = basket_of(600)
    large, small = candidate(basket, off(600)), candidate(basket, off(300))
    nothing = candidate(basket, off(300), {"wine"})

    found = combining.best([small, nothing, large], basket)

    assert taken(found) == [(large.id, 600)]
    assert {(each.candidate.id, each.code) for each in found.left_out} == {
        (small.id, "adds_nothing"),
        (nothing.id, "basket_not_covered"),
    }


def test_at_most_thirty_are_taken_those_that_add_most() -> None:
    basket = basket_of(100_000)
    many = [candidate(basket, off(100 + number)) for number in range(31)]

    found = combining.best(many, basket)

    assert len(found.chosen) == 30
    assert [(each.candidate.id, each.facts) for each in found.left_out] == [(many[0].id, {"most": 30})]
    assert found.is_exact


def test_search_that_is_cut_short_is_no_worse_than_the_greedy_one_and_says_so() -> None:
    basket = basket_of(1_000, 900)
    milk = candidate(basket, off(1_000), {"milk"}, category="a")
    tea = candidate(basket, off(900), {"tea"}, category="a")
    fresh = candidate(basket, off(990), {"milk"}, category="b")

    found = combining.best([milk, tea, fresh], basket, steps=0)

    assert (found.total_minor, found.is_exact) == (1_000, False)


def test_no_coupons_take_nothing() -> None:
    assert combining.best([], basket_of(100)) == combining.Combination([], [], 0, True)


def test_coupons_that_do_not_go_together_are_told_by_the_same_rules() -> None:
    summer, winter = terms(category="summer"), terms(category="winter")
    assert stacking.refusal(summer, [winter, terms()]) is None

    refusal = stacking.refusal(terms(category="summer"), [winter, summer])
    assert refusal is not None
    assert refusal.facts == {"category": "summer", "campaign_id": str(summer.campaign_id)}
    for first, second in ((terms(is_exclusive=True), terms()), (terms(), terms(is_exclusive=True))):
        assert stacking.refusal(second, [first]) is not None


LINES = st.builds(
    Line,
    sku=st.sampled_from(SKUS),
    category=st.just(""),
    quantity=st.sampled_from(["1", "2", "3"]),
    amount_minor=st.integers(0, 12),
    coupon_minor=st.integers(0, 15),
)
BASKETS = st.lists(LINES, min_size=1, max_size=4).map(lambda lines: Basket(tuple(lines)))
SHAPES = st.one_of(
    st.builds(off, st.integers(1, 20)),
    st.builds(lambda bps: {"kind": "percentage", "bps": bps}, st.integers(1, 10_000)),
    st.just({"kind": "cheapest_free", "of": 2}),
    st.just({"kind": "fixed_price", "quantity": 2, "price_minor": 7}),
    st.just({"kind": "free_item", "sku": "tea"}),
    st.just({"kind": "lines", "needs_covered_line": False}),
)


@st.composite
def choices(draw: st.DrawFn) -> tuple[Basket, list[Candidate], dict[UUID, set[str] | None]]:
    """A basket, coupons that fit it, and the scope of each."""
    basket = draw(BASKETS)
    found: list[Candidate] = []
    scopes: dict[UUID, set[str] | None] = {}
    for _ in range(draw(st.integers(0, 8))):
        scope = draw(st.none() | st.sets(st.sampled_from(SKUS), min_size=1))
        category, is_exclusive = draw(st.sampled_from([None, "a", "b"])), draw(st.integers(0, 9)) == 0
        shape, priority = draw(SHAPES), draw(st.integers(0, 1))
        found.append(candidate(basket, shape, scope, category=category, is_exclusive=is_exclusive, priority=priority))
        scopes[found[-1].id] = scope
    return basket, found, scopes


def may_stand_together(chosen: Sequence[Candidate]) -> bool:
    categories = [each.terms.category for each in chosen if each.terms.category is not None]
    alone = any(each.terms.is_exclusive for each in chosen)
    return len(set(categories)) == len(categories) and (not alone or len(chosen) == 1)


@settings(max_examples=100, deadline=None)
@given(choices())
def test_best_is_never_worse_than_any_combination_tried_out_one_after_the_other(
    choice: tuple[Basket, list[Candidate], dict[UUID, set[str] | None]],
) -> None:
    basket, candidates, scopes = choice
    found = combining.best(candidates, basket)

    assert found.is_exact
    assert may_stand_together([each.candidate for each in found.chosen])
    for size in range(len(candidates) + 1):
        for chosen in combinations(candidates, size):
            for ordered in (chosen, chosen[::-1]) if may_stand_together(chosen) else ():
                basis = Basis(basket)
                for each in ordered:
                    basis.take(basis.offer(each.terms.discount, basis.covered(scopes[each.id])))
                assert found.total_minor >= basket.total_minor - basis.rest_minor


@settings(max_examples=150, deadline=None)
@given(choices())
def test_what_is_chosen_comes_off_the_lines_to_the_cent(
    choice: tuple[Basket, list[Candidate], dict[UUID, set[str] | None]],
) -> None:
    basket, candidates, _ = choice
    found = combining.best(candidates, basket)

    by_line = [0] * len(basket.lines)
    for each in found.chosen:
        assert each.amount_minor == sum([amount for _, amount in each.lines]) > 0
        assert each.amount_minor <= each.candidate.priced.worth_minor
        for line, amount in each.lines:
            by_line[line] += amount
    assert sum(by_line) == found.total_minor <= basket.total_minor
    assert all(amount <= line.amount_minor for amount, line in zip(by_line, basket.lines, strict=True))
    told = [each.candidate.id for each in found.chosen] + [each.candidate.id for each in found.left_out]
    assert sorted(told) == sorted(each.id for each in candidates)
