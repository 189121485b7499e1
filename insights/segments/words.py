"""The words that compare what is known of a customer with what a condition asks for: as closures and as SQL.

What is not known meets nothing, whichever word asks, so a condition never fails on what a customer lacks.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.money import MAX_AMOUNT_MINOR
from core.notes import Notes

LONGEST_TEXT = 200
MOST_VALUES = 200
MOST_DAYS = 36_500

_LISTS = ("one_of", "none_of")

#: A placeholder for a value in SQL.
Placed = Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """words   that compare values of this kind
    fits    whether a value of a condition is of it; wanted: what it must be, in words
    """

    words: tuple[str, ...]
    fits: Callable[[Any], bool]
    wanted: str


def is_number(value: Any) -> bool:
    # Python reads NaN and 1e999 from JSON, which neither compare nor can be stored; the bound keeps them out too.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_AMOUNT_MINOR


def _is_days(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_DAYS


def is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and "\x00" not in value


def _is_scalar(value: Any) -> bool:
    return is_text(value) or isinstance(value, bool) or is_number(value)


_ORDER = ("at_least", "at_most", "more_than", "less_than")
_SAME = ("equals", "not_equals", "one_of", "none_of")

NUMBER = Kind(words=("equals", "not_equals", *_ORDER), fits=is_number, wanted="a number")
DAYS = Kind(words=("equals", *_ORDER), fits=_is_days, wanted="a whole number of days, such as 30")
TEXT = Kind(words=_SAME, fits=is_text, wanted=f"text of 1 to {LONGEST_TEXT} characters")
ANY = Kind(words=(*_SAME, *_ORDER, "contains", "present"), fits=_is_scalar, wanted="a text, a number or true/false")


def read(
    word: Any,
    value: Any,
    notes: Notes,
    kind: Kind,
    *,
    has_value: bool = True,
    word_at: str = "is",
    value_at: str = "value",
) -> bool:
    """Whether the word and the value of a comparison fit; the faults are noted where they stand."""
    if not isinstance(word, str) or word not in kind.words:
        notes.at(word_at).say(f"Must be one of: {', '.join(kind.words)}.")
        return False
    where = notes.at(value_at)
    if word == "present":
        if has_value:
            where.say("“present” takes no value.")
        return not has_value
    if not has_value:
        where.say("Is missing.")
        return False
    if word in _LISTS:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
            where.say(f"“{word}” takes a list of 1 to {MOST_VALUES} values.")
            return False
        bad = [place for place, each in enumerate(value) if not kind.fits(each)]
        for place in bad[:5]:
            where.at(place).say(f"Must be {kind.wanted}.")
        return not bad
    fits = is_number if kind is ANY and word in _ORDER else is_text if word == "contains" else kind.fits
    if not fits(value):
        wanted = {"contains": TEXT.wanted}.get(word, "a number" if fits is is_number else kind.wanted)
        where.say(f"“{word}” compares with {wanted}.")
        return False
    return True


def test_of(word: str, value: Any, kind: Kind) -> Callable[[Any], bool]:
    """Whether what is known meets what is asked; None: it is not known."""
    if kind is ANY:
        return _TESTS[word](value)
    if isinstance(value, float):  # beside a sum, which is exact: a tenth, not the nearest binary fraction
        value = Decimal(str(value))
    return (_TESTS if word in _SAME else _OF_NUMBERS)[word](value)


def _contains(value: str) -> Callable[[Any], bool]:
    def test(actual: Any) -> bool:
        if isinstance(actual, list):
            return any(_equal(each, value) for each in actual)
        return isinstance(actual, str) and value in actual

    return test


def _is_compared(actual: Any) -> bool:
    return isinstance(actual, int | float) and not isinstance(actual, bool)


def _equal(actual: Any, value: Any) -> bool:
    # In Python True == 1; in a marketer's condition it is not.
    return isinstance(actual, bool) == isinstance(value, bool) and bool(actual == value)


def asked(word: str, value: Any) -> str:
    """What is asked for, as the end of a sentence."""
    if word == "present":
        return "anything"
    if word in _LISTS:
        listed = ", ".join(_told(each) for each in value[:10]) + (" …" if len(value) > 10 else "")
        return f"one of {listed}" if word == "one_of" else f"none of {listed}"
    return _PHRASES[word].format(_told(value))


def _told(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else json.dumps(value)


_PHRASES = {
    "equals": "{}",
    "not_equals": "anything but {}",
    "at_least": "{} or more",
    "at_most": "{} or less",
    "more_than": "more than {}",
    "less_than": "less than {}",
    "contains": "something with {}",
}

_Tests = dict[str, Callable[[Any], Callable[[Any], bool]]]

#: Of what is a number or not known.
_OF_NUMBERS: _Tests = {
    "at_least": lambda value: lambda actual: actual is not None and actual >= value,
    "at_most": lambda value: lambda actual: actual is not None and actual <= value,
    "more_than": lambda value: lambda actual: actual is not None and actual > value,
    "less_than": lambda value: lambda actual: actual is not None and actual < value,
}

#: Of what may be anything.
_TESTS: _Tests = {
    "present": lambda _: lambda actual: actual is not None,
    "equals": lambda value: lambda actual: actual is not None and _equal(actual, value),
    "not_equals": lambda value: lambda actual: actual is not None and not _equal(actual, value),
    "one_of": lambda value: lambda actual: actual is not None and any(_equal(actual, each) for each in value),
    "none_of": lambda value: lambda actual: actual is not None and not any(_equal(actual, each) for each in value),
    "contains": _contains,
    "at_least": lambda value: lambda actual: _is_compared(actual) and actual >= value,
    "at_most": lambda value: lambda actual: _is_compared(actual) and actual <= value,
    "more_than": lambda value: lambda actual: _is_compared(actual) and actual > value,
    "less_than": lambda value: lambda actual: _is_compared(actual) and actual < value,
}

_OPERATORS = {
    "equals": "=",
    "not_equals": "<>",
    "at_least": ">=",
    "at_most": "<=",
    "more_than": ">",
    "less_than": "<",
}


def sql(word: str, value: Any, expression: str, placed: Placed, kind: Kind) -> str:
    """The same comparison in SQL, never NULL. placed: keeps a parameter and returns its placeholder"""
    if kind is ANY:
        return f"coalesce({_json_sql(word, value, expression, placed)}, false)"
    if word in _LISTS:
        test = f"{expression} = ANY({placed(value)}::text[])"
        return f"coalesce({test if word == 'one_of' else f'NOT {test}'}, false)"
    cast = "text" if kind is TEXT else "numeric"
    return f"coalesce({expression} {_OPERATORS[word]} {placed(value)}::{cast}, false)"


def _json_sql(word: str, value: Any, expression: str, placed: Placed) -> str:
    match word:
        case "present":
            return f"{expression} IS NOT NULL"
        case "equals" | "not_equals":
            return f"{expression} {_OPERATORS[word]} {placed(json.dumps(value))}::jsonb"
        case "one_of" | "none_of":
            test = f"{expression} = ANY({placed([json.dumps(each) for each in value])}::text[]::jsonb[])"
            return test if word == "one_of" else f"NOT {test}"
        case "contains":
            given = placed(value)
            return (
                f"CASE jsonb_typeof({expression}) "
                f"WHEN 'string' THEN strpos({expression} #>> '{{}}', {given}::text) > 0 "
                f"WHEN 'array' THEN {expression} @> to_jsonb({given}::text) ELSE false END"
            )
    number = f"CASE WHEN jsonb_typeof({expression}) = 'number' THEN ({expression} #>> '{{}}')::numeric END"
    return f"{number} {_OPERATORS[word]} {placed(value)}::numeric"
