"""Each fact: met, missed, at the boundary, and not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.notes import Notes
from rewards import rules
from rewards.baskets import Basket, Line
from rewards.products import Product
from rewards.rules import Facts, reasons
from rewards.rules.facts import History, Person
from rewards.rules.leaves import FACTS
from wallet.paying.tills import Till

AT = datetime(2026, 5, 4, 21, 30, tzinfo=UTC)  # Monday, 17:30 in New York
ONE, OTHER = (UUID(int=number) for number in (1, 2))
TEA = Line("tea", "DRINKS", "3", 1_000)
HAM = Line("ham", "MEAT", "0.435", 870, unit="kg")


def known(**changes: Any) -> Facts:
    given: dict[str, Any] = {
        "basket": Basket((TEA, HAM)),
        "at": AT,
        "currency": "USD",
        "zone": ZoneInfo("America/New_York"),
        "customer_id": ONE,
        "till": Till(merchant_id=ONE, store_id=ONE, terminal_id=ONE),
        "person": Person(signed_up_at=AT - timedelta(days=30), locale="en-US"),
        "history": History(orders=3, spent_minor=5_000, last_at=AT - timedelta(days=7)),
        "audiences": frozenset([ONE]),
        "products": {"tea": Product("tea", "Tea", "DRINKS", "FOOD", "Acme")},
        "store_reference": "12",
    }
    return Facts(**(given | changes))


def nothing() -> Facts:
    return Facts(basket=Basket(()), at=AT, currency="USD", zone=ZoneInfo("America/New_York"))


def rule_of(raw: Any) -> rules.Rule:
    notes = Notes()
    rule = rules.parse(raw, notes)
    assert notes.errors == []
    return rule


def met(fact: str, word: str, value: Any, facts: Facts) -> bool:
    raw: dict[str, Any] = {"fact": fact, "is": word, "value": value}
    rule = rule_of({"any_line": raw} if FACTS[fact].is_of_line else raw)
    assert rule.explain(facts)["is_met"] is rule.is_met(facts)
    return rule.is_met(facts)


@pytest.mark.parametrize(
    ("fact", "word", "meets", "misses"),
    [
        ("customer.is_known", "equals", True, False),
        ("customer.signed_up_days", "at_least", 30, 31),
        ("customer.signed_up_days", "less_than", 31, 30),
        ("customer.locale", "equals", "en-US", "en-GB"),
        ("customer.audience", "equals", str(ONE), str(OTHER)),
        ("customer.audience", "one_of", [str(ONE), str(OTHER)], [str(OTHER)]),
        ("customer.audience", "not_equals", str(OTHER), str(ONE)),
        ("customer.audience", "none_of", [str(OTHER)], [str(ONE), str(OTHER)]),
        ("basket.total_minor", "at_least", 1_870, 1_871),
        ("basket.total_minor", "at_most", 1_870, 1_869),
        ("basket.total_minor", "more_than", 1_869, 1_870),
        ("basket.total_minor", "less_than", 1_871, 1_870),
        ("basket.total_minor", "between", [1_870, 1_870], [1_871, 2_000]),
        ("basket.total_minor", "equals", 1_870, 1_871),
        ("basket.total_minor", "not_equals", 1_871, 1_870),
        ("basket.lines", "equals", 2, 3),
        ("basket.quantity", "equals", 4, 3),
        ("line.sku", "one_of", ["tea", "ale"], ["ale"]),
        ("line.category", "equals", "MEAT", "BEER"),
        ("line.department", "equals", "FOOD", "TOOLS"),
        ("line.brand", "none_of", ["Other"], ["Acme"]),
        ("line.quantity", "less_than", 0.436, 0.435),
        ("line.amount_minor", "at_least", 1_000, 1_001),
        ("line.unit_price_minor", "equals", 2_000, 870),
        ("line.unit_price_minor", "less_than", 334, 333),
        ("store.id", "equals", str(ONE), str(OTHER)),
        ("store.merchant_id", "one_of", [str(ONE)], [str(OTHER)]),
        ("store.reference", "equals", "12", "13"),
        ("time.weekday", "one_of", ["mon", "sun"], ["tue"]),
        ("time.date", "at_least", "2026-05-04", "2026-05-05"),
        ("time.date", "between", ["2026-05-01", "2026-05-04"], ["2026-05-05", "2026-05-06"]),
        ("time.time", "at_least", "17:30", "17:31"),
        ("time.time", "at_most", "17:30", "17:29"),
        ("time.time", "between", ["17:00", "19:00"], ["18:00", "19:00"]),
        ("time.time", "between", ["22:00", "17:30"], ["22:00", "06:00"]),
        ("history.orders", "at_most", 3, 2),
        ("history.spent_minor", "at_least", 5_000, 5_001),
        ("history.days_since_last", "more_than", 6, 7),
        ("history.first_order", "equals", False, True),
    ],
)
def test_a_fact_meets_what_it_meets_and_nothing_when_it_is_not_known(
    fact: str, word: str, meets: Any, misses: Any
) -> None:
    assert met(fact, word, meets, known())
    assert not met(fact, word, misses, known())
    if (
        fact not in ("basket.total_minor", "basket.lines", "basket.quantity", "customer.is_known")
        and fact[:4] != "time"
    ):
        assert not met(fact, word, meets, nothing())
        assert not met(fact, word, misses, nothing())


def test_every_fact_stands_in_the_table() -> None:
    table = next(mark for mark in _table().pytestmark if mark.name == "parametrize").args[1]  # type: ignore[attr-defined]

    assert {row[0] for row in table} == FACTS.keys() - {"customer.segment"}


def _table() -> Any:
    return test_a_fact_meets_what_it_meets_and_nothing_when_it_is_not_known


def test_days_and_hours_are_the_brands_also_across_midnight_and_when_clocks_change() -> None:
    def at(text: str) -> Facts:
        return known(at=datetime.fromisoformat(text))

    assert met("time.weekday", "equals", "mon", at("2026-05-05T03:59:59+00:00"))
    assert met("time.weekday", "equals", "tue", at("2026-05-05T04:00:00+00:00"))
    assert met("time.date", "equals", "2026-05-05", at("2026-05-05T04:00:00+00:00"))
    for twice in ("2026-11-01T05:30:00+00:00", "2026-11-01T06:30:00+00:00"):  # 01:30, before and after
        assert met("time.time", "between", ["01:30", "01:59"], at(twice))
    for around in ("2026-03-08T06:59:00+00:00", "2026-03-08T07:00:00+00:00"):  # 01:59, then 03:00: no 02:30 that day
        assert not met("time.time", "between", ["02:00", "02:59"], at(around))


@pytest.mark.parametrize("quantity", ["", "tea", "NaN", "-Infinity", "1e999999", "1e18"])
def test_a_quantity_that_is_none_counts_for_nothing(quantity: str) -> None:
    facts = known(basket=Basket((replace(TEA, quantity=quantity), HAM)))

    assert facts.pieces == 1
    assert not met("line.quantity", "more_than", 1, facts)
    assert rule_of({"lines": {"sum": "quantity"}, "is": "equals", "value": 0.435}).is_met(facts)


def test_a_line_of_no_quantity_has_no_price_for_one() -> None:
    facts = known(basket=Basket((replace(TEA, quantity="0"),)))

    assert not met("line.unit_price_minor", "at_least", 0, facts)


def test_all_lines_asks_every_line_and_an_empty_basket_has_none() -> None:
    cheap = {"all_lines": {"fact": "line.amount_minor", "is": "at_most", "value": 1_000}}

    assert rule_of(cheap).is_met(known())
    assert not rule_of(cheap).is_met(known(basket=Basket((TEA, replace(HAM, amount_minor=1_001)))))
    assert not rule_of(cheap).is_met(nothing())


@pytest.mark.parametrize(
    ("summed", "word", "meets", "misses"),
    [
        ("amount_minor", "at_least", 1_000, 1_001),
        ("quantity", "equals", 3, 4),
        ("count", "between", [1, 2], [2, 3]),
    ],
)
def test_sums_go_over_the_lines_that_are_meant(summed: str, word: str, meets: Any, misses: Any) -> None:
    def total(value: Any, category: str) -> bool:
        where = {"fact": "line.category", "is": "equals", "value": category}
        raw = {"lines": {"where": where, "sum": summed}, "is": word, "value": value}
        return rule_of(raw).is_met(known())

    assert total(meets, "DRINKS")
    assert not total(misses, "DRINKS")
    assert not total(meets, "BEER")


def test_a_sum_without_where_goes_over_all_lines() -> None:
    raw = {"lines": {"sum": "quantity"}, "is": "equals", "value": 3.435}

    assert rule_of(raw).is_met(known())


def test_the_reason_names_the_lines_and_the_saved_rules() -> None:
    notes, saved_id = Notes(), UUID(int=7)
    saved = {saved_id: rules.Known("Tea time", {"any_line": {"fact": "line.sku", "is": "equals", "value": "tea"}})}
    told = rules.parse({"not": {"rule": str(saved_id)}}, notes, known=saved).explain(known())

    assert (notes.errors, told["is_met"]) == ([], False)
    assert told["not"]["rule"] == {"id": str(saved_id), "name": "Tea time"}
    lines = told["not"]["because"]["any_line"]
    assert [(each["line"], each["is_met"], each["actual"]) for each in lines] == [(0, True, "tea"), (1, False, "ham")]


def test_a_reason_names_the_lines_that_decide_first() -> None:
    facts = known(basket=Basket((*[HAM] * 30, TEA)))
    tea = {"fact": "line.sku", "is": "equals", "value": "tea"}

    some, every = rule_of({"any_line": tea}).explain(facts), rule_of({"all_lines": {"not": tea}}).explain(facts)

    assert (some["is_met"], len(some["any_line"]), some["any_line"][0]["line"]) == (True, 20, 30)
    assert (every["is_met"], len(every["all_lines"]), every["all_lines"][0]["line"]) == (False, 20, 30)


def test_the_owner_is_not_told_how_the_brand_sees_them() -> None:
    saved_id = UUID(int=7)
    chosen = {"fact": "customer.audience", "is": "equals", "value": str(OTHER)}
    saved = {saved_id: rules.Known("Cheapskates", {"any": [chosen, {"all_lines": {"all": [chosen]}}]})}
    big = {"fact": "basket.total_minor", "is": "at_least", "value": 1}
    raw = {"all": [{"not": {"rule": str(saved_id)}}, big]}
    told = rules.parse(raw, Notes(), known=saved).explain(known())

    shown = reasons.for_owner(told)

    assert "Cheapskates" in str(told)
    assert str(OTHER) in str(told)
    assert not any(each in str(shown) for each in ("Cheapskates", str(OTHER), str(saved_id), "customer.audience"))
    assert shown["all"][0]["not"]["any"][0] == {"is_met": False, "says": "This is for chosen customers."}
    assert shown["all"][1] == told["all"][1]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (
            {"fact": "history.spent_minor", "is": "between", "value": [10_000, 20_000]},
            "What the customer has bought so far is 50.00 USD; asked for: from 100.00 USD to 200.00 USD.",
        ),
        (
            {"fact": "time.time", "is": "more_than", "value": "18:00"},
            "The time of the day is 17:30; asked for: more than 18:00.",
        ),
        (
            {"fact": "customer.audience", "is": "one_of", "value": [str(OTHER)]},
            f"The customer's audience is another; asked for: {OTHER}.",
        ),
        (
            {"fact": "history.bought", "sku": "tea", "within_days": 9, "is": "at_least", "value": 1},
            "The number of the customer's orders with tea in the last 9 days is not known; asked for: 1 or more.",
        ),
    ],
)
def test_a_reason_is_a_sentence_with_both_values(raw: Any, says: str) -> None:
    assert rule_of(raw).explain(known())["says"] == says
