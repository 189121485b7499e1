"""The index leaves out only campaigns that do not fit a basket."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from core import ids
from core.notes import Notes
from rewards import discounts, rules
from rewards.baskets import Basket, Line
from rewards.discounts import AmountOff, Discount
from rewards.offers.index import Index, concerns_of
from rewards.rules import Concerns, Facts
from wallet.paying.tills import Till

SKUS, CATEGORIES = ["milk", "tea", "wine"], ["DAIRY", "DRINKS"]
STORES, AUDIENCES = [ids.new(), ids.new()], [ids.new(), ids.new()]
AMOUNT = AmountOff(100)


def basket(*skus: str, category: str = "DAIRY") -> Basket:
    return Basket(tuple([Line(sku=sku, category=category, quantity="1", amount_minor=500) for sku in skus]))


def concerns(discount: Discount = AMOUNT, *, audience_id: UUID | None = None, **rule: Any) -> Concerns:
    skus = rule.pop("scope", None)
    asked = rules.Concerns(**{name: frozenset(keys) for name, keys in rule.items()})
    return concerns_of(
        discount, skus=frozenset(skus) if skus else None, audience_id=audience_id, rule=asked if rule else None
    )


def test_campaign_is_found_by_what_it_cannot_do_without() -> None:
    index, by = Index(), {name: ids.new() for name in ("all", "tea", "store", "audience", "category", "cup")}
    cup = discounts.parse("coupon", {"kind": "free_item", "sku": "cup"})
    index.change(
        [
            (by["all"], concerns()),
            (by["tea"], concerns(scope=["tea", "mate"])),
            (by["store"], concerns(stores=[STORES[0]])),
            (by["audience"], concerns(audience_id=AUDIENCES[0])),
            (by["category"], concerns(categories=["DAIRY"])),
            (by["cup"], concerns(cup)),
        ],
        [],
    )

    def found(
        *skus: str, store_id: UUID | None = None, audiences: tuple[UUID, ...] = (), category: str = ""
    ) -> set[str]:
        ids_found = index.candidates(basket(*skus, category=category), store_id=store_id, audiences=audiences)
        return {name for name, campaign_id in by.items() if campaign_id in ids_found}

    assert found("wine") == {"all"}
    assert found("wine", "tea", "cup") == {"all", "tea", "cup"}
    assert found("wine", store_id=STORES[0]) == {"all", "store"}
    assert found("wine", store_id=STORES[1], audiences=(AUDIENCES[0],)) == {"all", "audience"}
    assert found("wine", category="DAIRY") == {"all", "category"}


def test_campaign_that_changes_moves_and_one_that_ends_goes() -> None:
    index, campaign_id = Index(), ids.new()
    index.change([(campaign_id, concerns(scope=["tea"]))], [])
    index.change([(campaign_id, concerns(scope=["wine"]))], [])

    assert index.candidates(basket("tea"), store_id=None, audiences=[]) == set()
    assert index.candidates(basket("wine"), store_id=None, audiences=[]) == {campaign_id}

    index.change([], [campaign_id, ids.new()])
    assert index.candidates(basket("wine"), store_id=None, audiences=[]) == set()
    assert len(index) == 0


def test_campaign_stands_under_what_the_fewest_baskets_have() -> None:
    index, by_tea, by_store = Index(), ids.new(), ids.new()
    index.change(
        [
            (by_tea, concerns(scope=["tea", "wine"], stores=[STORES[0]], categories=["DAIRY"])),
            (by_store, concerns(scope=[f"sku{number}" for number in range(51)] + ["tea"], stores=[STORES[0]])),
        ],
        [],
    )

    assert index.candidates(basket("tea"), store_id=STORES[1], audiences=[]) == {by_tea}
    assert index.candidates(basket("milk"), store_id=STORES[0], audiences=[]) == {by_store}


def fact(name: str, word: str, value: object) -> dict[str, object]:
    return {"fact": name, "is": word, "value": value}


LINE_LEAVES = st.one_of(
    st.builds(lambda sku: fact("line.sku", "equals", sku), st.sampled_from(SKUS)),
    st.builds(lambda name: fact("line.category", "equals", name), st.sampled_from(CATEGORIES)),
    st.builds(lambda minor: fact("line.amount_minor", "at_least", minor), st.integers(0, 900)),
)
LEAVES = st.one_of(
    st.builds(lambda minor: fact("basket.total_minor", "at_least", minor), st.integers(0, 1_500)),
    st.builds(lambda store: fact("store.id", "one_of", [str(store)]), st.sampled_from(STORES)),
    st.builds(lambda each: fact("customer.audience", "equals", str(each)), st.sampled_from(AUDIENCES)),
    st.builds(lambda part: {"any_line": part}, LINE_LEAVES),
    st.builds(lambda part: {"all_lines": part}, LINE_LEAVES),
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
CAMPAIGNS = st.tuples(
    st.none() | st.sets(st.sampled_from(SKUS), min_size=1), st.none() | st.sampled_from(AUDIENCES), st.none() | RULES
)


@given(
    st.lists(CAMPAIGNS, max_size=6),
    st.lists(st.tuples(st.sampled_from(SKUS), st.sampled_from(CATEGORIES)), min_size=1, max_size=3),
    st.none() | st.sampled_from(STORES),
    st.sets(st.sampled_from(AUDIENCES)),
)
def test_whatever_fits_a_basket_is_found(
    campaigns: list[tuple[set[str] | None, UUID | None, dict[str, object] | None]],
    lines: list[tuple[str, str]],
    store_id: UUID | None,
    audiences: set[UUID],
) -> None:
    of = Basket(tuple([Line(sku=sku, category=category, quantity="1", amount_minor=500) for sku, category in lines]))
    facts = Facts(
        basket=of,
        at=datetime(2026, 5, 4, 12, tzinfo=UTC),
        currency="USD",
        customer_id=ids.new(),
        till=Till(merchant_id=ids.new(), store_id=store_id, terminal_id=ids.new()) if store_id else None,
        zone=ZoneInfo("UTC"),
        audiences=frozenset(audiences),
    )
    index, fitting = Index(), set()
    for scope, audience_id, raw in campaigns:
        campaign_id, rule = ids.new(), rules.parse(raw, Notes()) if raw else None
        needed = concerns_of(
            AMOUNT,
            skus=frozenset(scope) if scope else None,
            audience_id=audience_id,
            rule=rule.concerns if rule else None,
        )
        index.change([(campaign_id, needed)], [])
        is_covered = scope is None or any(line.sku in scope for line in of.lines)
        if is_covered and (audience_id is None or audience_id in audiences) and (rule is None or rule.is_met(facts)):
            fitting.add(campaign_id)

    assert fitting <= index.candidates(of, store_id=store_id, audiences=audiences)
