"""What a rule's author is told."""

from typing import Any
from uuid import UUID

import pytest

from core.notes import Notes
from rewards import rules
from rewards.rules import Bought, Concerns, Known
from rewards.rules.parsing import DEEPEST, MOST_CONDITIONS

BIG = {"fact": "basket.total_minor", "is": "at_least", "value": 2000}
TEA = {"fact": "line.sku", "is": "equals", "value": "tea"}
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def faults(raw: Any, **known: Any) -> list[tuple[str, str]]:
    notes = Notes("/rule")
    rules.parse(raw, notes, **known)
    return [(error["pointer"], error["detail"]) for error in notes.errors]


def fact(name: str, word: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"fact": name, "is": word, "value": value} | more


def test_a_sound_rule_has_no_faults() -> None:
    raw = {
        "all": [
            BIG,
            {"any": [fact("time.weekday", "one_of", ["sat", "sun"]), fact("time.time", "between", ["22:00", "02:00"])]},
            {"not": {"any_line": {"any": [fact("line.category", "equals", "BEER"), TEA]}}},
            {"lines": {"where": {"all": [TEA, fact("time.weekday", "equals", "mon")]}, "sum": "count"}}
            | {"is": "at_least", "value": 2},
            fact("history.bought", "at_most", 0, sku="tea", within_days=30),
        ]
    }

    assert faults(raw) == []


@pytest.mark.parametrize(
    ("raw", "pointer", "said"),
    [
        (
            fact("basket.totl", "at_least", 1),
            "/rule/fact",
            "There is no fact “basket.totl”. Did you mean “basket.total_minor”?",
        ),
        (fact("brand", "equals", "Acme"), "/rule/fact", "There is no fact “brand”. Did you mean “line.brand”?"),
        (BIG | {"is": "atleast"}, "/rule/is", "Did you mean “at_least”?"),
        (BIG | {"value": "2000"}, "/rule/value", "Must be a whole number of minor units, such as 2000 for 20.00."),
        (BIG | {"value": 20.5}, "/rule/value", "Must be a whole number of minor units"),
        (BIG | {"value": True}, "/rule/value", "Must be a whole number of minor units"),
        (BIG | {"value": -1}, "/rule/value", "Must be a whole number of minor units"),
        (BIG | {"value": 2**53}, "/rule/value", "Must be a whole number of minor units"),
        (BIG | {"unit": "EUR"}, "/rule/unit", "Is not known here."),
        (
            {"any_line": fact("line.quantity", "at_least", float("nan"))},
            "/rule/any_line/value",
            "Must be a number that is not below 0",
        ),
        (fact("time.weekday", "equals", "Monday"), "/rule/value", "Did you mean “mon”?"),
        (fact("time.date", "equals", "2026-02-30"), "/rule/value", "Must be a day such as 2026-12-24."),
        (fact("time.time", "at_least", "24:00"), "/rule/value", "Must be a time of the day such as 17:30."),
        (fact("store.id", "equals", "12"), "/rule/value", "Must be an id."),
        (fact("customer.is_known", "equals", "yes"), "/rule/value", "Must be true or false."),
        (fact("customer.locale", "equals", "a\x00"), "/rule/value", "Must be text"),
        (fact("customer.locale", "at_least", "en"), "/rule/is", "Must be one of: equals, not_equals, one_of, none_of."),
        (fact("time.weekday", "one_of", []), "/rule/value", "“one_of” takes a list of 1 to 1000 values."),
        (fact("time.weekday", "one_of", ["mon", "xyz"]), "/rule/value/1", "Must be one of mon"),
        (
            fact("basket.total_minor", "between", [2000, 1000]),
            "/rule/value",
            "Nothing lies between 2000 and 1000: the least comes first.",
        ),
        (fact("basket.total_minor", "between", [1]), "/rule/value", "“between” takes two values"),
        (fact("basket.total_minor", "less_than", 0), "/rule/value", "Nothing is less than 0"),
        (TEA, "/rule/fact", "“line.sku” is about one line: put the condition into “any_line”"),
        ({"any_line": {"any_line": TEA}}, "/rule/any_line/any_line", "cannot stand within a condition about a line"),
        ({"all": []}, "/rule/all", "Must be a list of 1 to 50 conditions."),
        ({"al": [BIG]}, "/rule", "A condition has no “al”. Did you mean “all”?"),
        ({"all": [BIG], "any": [BIG]}, "/rule", "“all” and “any” cannot stand side by side"),
        ({}, "/rule", "Must be a condition: an object with one of all"),
        ({"lines": {"sum": "amount"}, "is": "at_least", "value": 1}, "/rule/lines/sum", "Did you mean “amount_minor”?"),
        ({"lines": {}, "is": "at_least", "value": 1}, "/rule/lines/sum", "Is missing."),
        (fact("history.bought", "at_least", 1, within_days=3), "/rule", "Name what was bought"),
        (fact("history.bought", "at_least", 1, sku="a", within_days=731), "/rule/within_days", "1 to 730 days"),
        ({"rule": "x"}, "/rule/rule", "Must be the id of a saved rule."),
        ({"rule": str(ONE)}, "/rule/rule", "There is no saved rule with this id."),
    ],
)
def test_a_fault_is_told_where_it_stands(raw: Any, pointer: str, said: str) -> None:
    [(where, detail)] = faults(raw)

    assert where == pointer
    assert said in detail


def test_all_faults_are_told_at_once() -> None:
    assert [pointer for pointer, _ in faults({"all": [BIG | {"value": "x"}, BIG, {"not": 3}, TEA]})] == [
        "/rule/all/0/value",
        "/rule/all/2/not",
        "/rule/all/3/fact",
    ]


@pytest.mark.parametrize(
    "conditions",
    [
        [BIG, fact("basket.total_minor", "less_than", 2000)],
        [fact("basket.lines", "more_than", 3), fact("basket.lines", "less_than", 4)],
        [fact("time.weekday", "equals", "mon"), fact("time.weekday", "equals", "tue")],
        [fact("time.weekday", "one_of", ["mon", "tue"]), fact("time.weekday", "none_of", ["tue", "mon"])],
        [fact("history.orders", "equals", 2), fact("history.orders", "between", [3, 9])],
        [fact("time.date", "at_least", "2026-12-02"), BIG, fact("time.date", "at_most", "2026-12-01")],
    ],
)
def test_conditions_that_no_value_meets_are_refused(conditions: list[Any]) -> None:
    [(pointer, detail)] = faults({"all": conditions})

    assert (pointer, "can meet all of these at once, so the rule would never be met." in detail) == ("/rule/all", True)
    assert faults({"any": conditions}) == []


@pytest.mark.parametrize(
    "conditions",
    [
        [BIG, fact("basket.total_minor", "at_most", 2000)],
        [fact("basket.lines", "more_than", 3), fact("basket.lines", "less_than", 5)],
        [fact("time.weekday", "one_of", ["mon", "tue"]), fact("time.weekday", "not_equals", "tue")],
        [fact("customer.audience", "equals", str(ONE)), fact("customer.audience", "equals", str(TWO))],
    ],
)
def test_conditions_that_some_value_meets_are_taken(conditions: list[Any]) -> None:
    assert faults({"all": conditions}) == []


def nested(depth: int) -> Any:
    return BIG if depth == 0 else {"not": nested(depth - 1)}


def test_conditions_stand_so_deep_and_no_deeper() -> None:
    assert faults(nested(DEEPEST)) == []
    [(_, detail)] = faults(nested(DEEPEST + 1))
    assert detail == f"Conditions may stand at most {DEEPEST} deep, saved rules included."


def test_saved_rules_that_double_each_other_are_refused_by_their_number() -> None:
    ids = [UUID(int=number) for number in range(1, 10)]
    known = {each: Known("x", {"all": [{"rule": str(below)}] * 40}) for each, below in zip(ids[1:5], ids, strict=False)}
    known[ids[0]] = Known("x", {"all": [BIG] * 40})

    found = faults({"rule": str(ids[3])}, known=known)

    assert any(f"may hold {MOST_CONDITIONS}" in detail for _, detail in found)


def test_a_ring_of_saved_rules_is_named() -> None:
    known = {
        ONE: Known("One", {"not": {"rule": str(TWO)}}),
        TWO: Known("Two", {"all": [BIG, {"rule": str(THREE)}]}),
        THREE: Known("Three", {"rule": str(ONE)}),
    }

    [(pointer, detail)] = faults({"rule": str(ONE)}, known=known)

    assert pointer == "/rule/rule"
    assert "The rule would use itself: “One” → “Two” → “Three” → “One”." in detail


def concerns(raw: Any, **known: Any) -> Concerns:
    notes = Notes()
    rule = rules.parse(raw, notes, **known)
    assert notes.errors == []
    return rule.concerns


def test_a_rule_concerns_what_it_cannot_be_met_without() -> None:
    ham = fact("line.sku", "one_of", ["ham", "egg"])
    one_store = fact("store.id", "equals", str(ONE))

    assert concerns(BIG) == Concerns()
    assert concerns({"any_line": TEA}) == Concerns(skus=frozenset(["tea"]))
    assert concerns({"all": [{"any_line": ham}, {"any_line": TEA}, one_store]}) == Concerns(
        skus=frozenset(["tea"]), stores=frozenset([ONE])
    )
    assert concerns({"any": [{"any_line": ham}, {"any_line": TEA}]}) == Concerns(skus=frozenset(["ham", "egg", "tea"]))
    assert concerns({"any": [{"any_line": ham}, one_store]}) == Concerns()
    assert concerns({"not": {"any_line": TEA}}) == Concerns()
    assert concerns({"all": [{"rule": str(ONE)}]}, known={ONE: Known("x", one_store)}) == Concerns(
        stores=frozenset([ONE])
    )


def test_a_sum_concerns_its_lines_only_where_none_of_them_is_too_little() -> None:
    def summed(word: str, value: Any) -> Concerns:
        return concerns({"lines": {"where": TEA, "sum": "count"}, "is": word, "value": value})

    assert summed("at_least", 1) == Concerns(skus=frozenset(["tea"]))
    assert summed("at_least", 0) == Concerns()
    assert summed("at_most", 3) == Concerns()
    assert summed("none_of", [0]) == Concerns(skus=frozenset(["tea"]))


def test_a_rule_needs_what_its_conditions_ask() -> None:
    raw = {
        "any": [
            BIG,
            {"not": fact("history.orders", "equals", 0)},
            {"any_line": fact("line.brand", "equals", "Acme")},
            {"lines": {"where": fact("customer.locale", "equals", "en"), "sum": "count"}, "is": "equals", "value": 0},
            fact("history.bought", "equals", 0, category="BEER", within_days=7),
        ]
    }

    assert rules.parse(raw, Notes()).needs == {"history", "products", "customer", Bought("category", "BEER", 7)}
