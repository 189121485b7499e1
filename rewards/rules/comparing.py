"""The closures that compare a fact with what a condition asks for, and the words for what it asks for."""

import operator
from collections.abc import Callable
from typing import Any

from rewards.baskets import Line
from rewards.rules.facts import Facts
from rewards.rules.kinds import CLOCK, Kind
from rewards.rules.leaves import Get

#: Whether a condition is met; outside any_line, all_lines and lines the line says nothing.
Test = Callable[[Facts, Line], bool]

#: Words whose value is a list.
LISTS = ("one_of", "none_of")


def test_of(word: str, get: Get, value: Any, kind: Kind) -> Test:
    """What is None, since nobody knows it, meets nothing: neither `equals` nor `not_equals`."""
    if kind.is_many:
        return _of_members(word, get, frozenset(value if word in LISTS else [value]))
    if word == "between":
        return _between(get, *value, wraps=kind is CLOCK and value[0] > value[1])
    if word in LISTS:
        value = frozenset(value)
    return _TESTS[word](get, value)


def meets(word: str, actual: Any, value: Any) -> bool:
    """Whether a value that is known meets what a word asks for, hours that go round midnight apart."""
    match word:
        case "between":
            return bool(value[0] <= actual <= value[1])
        case "one_of":
            return actual in value
        case "none_of":
            return actual not in value
    return _COMPARES[word](actual, value)


def asked(word: str, value: Any, kind: Kind, currency: str) -> str:
    """What is asked for, as the end of a sentence: "20.00 USD or more"."""

    def tell(one: Any) -> str:
        return kind.tell(one, currency)

    if word == "between":
        return f"from {tell(value[0])} to {tell(value[1])}"
    if word in LISTS:
        listed = _listed([tell(one) for one in value])
        return listed if word == "one_of" else f"none of {listed}"
    return _PHRASES[word].format(tell(value))


def _listed(words: list[str], most: int = 10) -> str:
    if len(words) > most:
        return f"{', '.join(words[:most])} or one of {len(words) - most} more"
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_PHRASES = {
    "equals": "{}",
    "not_equals": "anything but {}",
    "at_least": "{} or more",
    "at_most": "{} or less",
    "more_than": "more than {}",
    "less_than": "less than {}",
}

_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "not_equals": operator.ne,
    "at_least": operator.ge,
    "at_most": operator.le,
    "more_than": operator.gt,
    "less_than": operator.lt,
}

# Spelled out rather than made of `_COMPARES`: another call in each costs a third of a condition's time.
_TESTS: dict[str, Callable[[Get, Any], Test]] = {
    "equals": lambda get, value: lambda facts, line: get(facts, line) == value,
    "not_equals": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v != value,
    "one_of": lambda get, value: lambda facts, line: get(facts, line) in value,
    "none_of": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v not in value,
    "at_least": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v >= value,
    "at_most": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v <= value,
    "more_than": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v > value,
    "less_than": lambda get, value: lambda facts, line: (v := get(facts, line)) is not None and v < value,
}


def _between(get: Get, least: Any, most: Any, *, wraps: bool) -> Test:
    if wraps:  # from 22:00 to 02:00
        return lambda facts, line: (v := get(facts, line)) is not None and (v >= least or v <= most)
    return lambda facts, line: (v := get(facts, line)) is not None and least <= v <= most


def _of_members(word: str, get: Get, wanted: frozenset[Any]) -> Test:
    if word in ("equals", "one_of"):
        return lambda facts, line: (v := get(facts, line)) is not None and not wanted.isdisjoint(v)
    return lambda facts, line: (v := get(facts, line)) is not None and wanted.isdisjoint(v)
