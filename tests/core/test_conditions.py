"""What each comparison holds for, what it does not, and at the boundary."""

from typing import Any

import pytest

from core.conditions import DEEPEST, compile_condition
from core.notes import Notes

PAYLOAD = {
    "total_minor": 5000,
    "currency": "USD",
    "is_first": True,
    "note": None,
    "lines": [{"category": "TEA", "amount_minor": 100}, {"category": "MILK", "amount_minor": 900}],
}


def holds(condition: Any) -> bool:
    notes = Notes()
    predicate = compile_condition(condition, notes, fields=None)
    assert notes.errors == []
    return predicate(PAYLOAD)


def field(name: str, word: str, value: Any) -> dict[str, Any]:
    return {"field": name, "is": word, "value": value}


@pytest.mark.parametrize(
    ("word", "value", "expected"),
    [
        ("equals", 5000, True),
        ("equals", 5001, False),
        ("equals", "5000", False),
        ("not_equals", 5001, True),
        ("not_equals", 5000, False),
        ("at_least", 5000, True),
        ("at_least", 5001, False),
        ("at_most", 5000, True),
        ("at_most", 4999, False),
        ("more_than", 4999, True),
        ("more_than", 5000, False),
        ("less_than", 5001, True),
        ("less_than", 5000, False),
        ("one_of", [1, 5000], True),
        ("one_of", [1, 2], False),
    ],
)
def test_numbers_compare(word: str, value: Any, expected: bool) -> None:
    assert holds(field("total_minor", word, value)) is expected


def test_text_contains() -> None:
    assert holds(field("currency", "contains", "US"))
    assert not holds(field("currency", "contains", "EU"))


def test_a_field_through_a_list_means_any_of_its_items() -> None:
    assert holds(field("lines.category", "equals", "MILK"))
    assert not holds(field("lines.category", "equals", "BEER"))
    assert not holds(field("lines.category", "not_equals", "MILK"))
    assert holds(field("lines.amount_minor", "at_least", 900))


def test_what_is_missing_or_of_another_type_matches_nothing() -> None:
    assert not holds(field("nothing", "at_least", 0))
    assert not holds(field("currency", "at_least", 0))
    assert not holds(field("currency.deeper", "equals", "USD"))
    assert holds(field("nothing", "not_equals", 0))


def test_true_is_not_one() -> None:
    assert holds(field("is_first", "equals", True))
    assert not holds(field("is_first", "equals", 1))
    assert not holds(field("is_first", "at_least", 1))


def test_present_means_there_and_not_null() -> None:
    assert holds({"field": "currency", "is": "present"})
    assert not holds({"field": "note", "is": "present"})


def test_all_any_and_not() -> None:
    yes, no = field("currency", "equals", "USD"), field("currency", "equals", "EUR")
    assert holds({"all": [yes, yes]})
    assert not holds({"all": [yes, no]})
    assert holds({"any": [no, yes]})
    assert not holds({"any": [no, no]})
    assert holds({"not": no})
    assert not holds({"not": yes})


@pytest.mark.parametrize(
    ("condition", "pointer"),
    [
        ("text", ""),
        ({}, "/field"),
        ({"field": "a", "is": "like", "value": 1}, "/is"),
        ({"field": "a", "is": ["equals"], "value": 1}, "/is"),
        ({"field": "", "is": "equals", "value": 1}, "/field"),
        ({"field": "a", "is": "at_least", "value": "1"}, "/value"),
        ({"field": "a", "is": "at_least", "value": True}, "/value"),
        ({"field": "a", "is": "at_least", "value": float("nan")}, "/value"),
        ({"field": "a", "is": "equals", "value": float("inf")}, "/value"),
        ({"field": "a", "is": "one_of", "value": [float("nan")]}, "/value"),
        ({"field": "a", "is": "at_most", "value": 10**400}, "/value"),
        ({"field": "a", "is": "one_of", "value": []}, "/value"),
        ({"field": "a", "is": "present", "value": 1}, "/value"),
        ({"field": "a", "is": "equals", "value": None}, "/value"),
        ({"field": "a", "is": "equals", "value": 1, "more": 1}, "/more"),
        ({"all": []}, "/all"),
        ({"any": {"a": 1}}, "/any"),
        ({"all": [{"not": 3}]}, "/all/0/not"),
    ],
)
def test_a_faulty_condition_is_named_where_it_stands(condition: Any, pointer: str) -> None:
    notes = Notes()

    compile_condition(condition, notes, fields=None)

    assert pointer in [error["pointer"] for error in notes.errors]


def test_conditions_may_not_stand_too_deep() -> None:
    condition: Any = field("currency", "equals", "USD")
    for _ in range(DEEPEST):
        condition = {"not": condition}
    assert holds(condition)
    notes = Notes()

    compile_condition({"not": condition}, notes, fields=None)

    assert len(notes.errors) == 1


def test_a_list_in_a_list_matches_nothing_however_deep() -> None:
    nested: Any = "USD"
    for _ in range(5000):
        nested = [nested]
    predicate = compile_condition(field("currency", "equals", "USD"), Notes(), fields=None)

    assert not predicate({"currency": nested})
