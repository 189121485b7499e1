"""Conditions over an event's payload: typed JSON, compiled once into closures.

    {"all": [...]}   {"any": [...]}   {"not": {...}}   {"field": "total_minor", "is": "at_least", "value": 5000}

A field may be dotted ("lines.category"); through a list it means any of its items. What is missing or of another type
than the value matches nothing, so a condition never fails on what a payload holds.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.money import MAX_AMOUNT_MINOR
from core.notes import Notes

Payload = Mapping[str, Any]
Predicate = Callable[[Payload], bool]

DEEPEST = 10
_MOST_PARTS = 50
_LONGEST_FIELD = 200


def compile_condition(raw: Any, notes: Notes, *, fields: frozenset[str] | None, depth: int = 0) -> Predicate:
    """The closure that decides a condition; faults go to `notes` (then the closure is never used).

    fields   the payload's fields where the event is one of ours, None for events from outside
    """
    if depth > DEEPEST:
        notes.say(f"Conditions may stand at most {DEEPEST} deep.")
        return _never
    if isinstance(raw, dict) and len(raw) == 1 and (word := next(iter(raw))) in ("all", "any"):
        parts = _parts(raw[word], notes.at(word), fields=fields, depth=depth)
        return _all(parts) if word == "all" else _any(parts)
    if isinstance(raw, dict) and raw.keys() == {"not"}:
        part = compile_condition(raw["not"], notes.at("not"), fields=fields, depth=depth + 1)
        return lambda payload: not part(payload)
    return _comparison(raw, notes, fields=fields)


def values_at(payload: Any, path: list[str]) -> Iterator[Any]:
    """Every value that a dotted field reaches."""
    if isinstance(payload, list):
        for item in payload:
            if not isinstance(item, list):  # a list in a list says nothing that a marketer could name
                yield from values_at(item, path)
    elif not path:
        yield payload
    elif isinstance(payload, Mapping) and path[0] in payload:
        yield from values_at(payload[path[0]], path[1:])


def _parts(raw: Any, notes: Notes, *, fields: frozenset[str] | None, depth: int) -> list[Predicate]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= _MOST_PARTS:
        notes.say(f"Must be a list of 1 to {_MOST_PARTS} conditions.")
        return []
    return [
        compile_condition(part, notes.at(position), fields=fields, depth=depth + 1) for position, part in enumerate(raw)
    ]


def _comparison(raw: Any, notes: Notes, *, fields: frozenset[str] | None) -> Predicate:
    members = frozenset(("field", "is", "value"))
    given = notes.object_(raw, allowed=members, required=frozenset(("field", "is")))
    if not given or {"field", "is"} - given.keys():
        return _never
    path = notes.at("field").text(given["field"], longest=_LONGEST_FIELD).split(".")
    if fields is not None and path[0] not in fields:
        known = ", ".join(sorted(fields))
        notes.at("field").say(f"This event has no field “{path[0]}”. It has: {known}.")

    word, value = given["is"], given.get("value")
    if word == "present":
        if "value" in given:
            notes.at("value").say("“present” takes no value.")
        return lambda payload: any(found is not None for found in values_at(payload, path))
    if not isinstance(word, str) or word not in _TESTS:
        notes.at("is").say(f"Must be one of: present, {', '.join(_TESTS)}.")
        return _never
    fits, wanted, test = _TESTS[word]
    if not fits(value):
        notes.at("value").say(f"“{word}” compares with {wanted}.")
        return _never
    if word == "not_equals":
        return lambda payload: not any(_equal(found, value) for found in values_at(payload, path))
    return lambda payload: any(test(found, value) for found in values_at(payload, path))


def _never(_: Payload) -> bool:
    return False


def _all(parts: list[Predicate]) -> Predicate:
    return lambda payload: all(part(payload) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda payload: any(part(payload) for part in parts)


def _is_number(value: Any) -> bool:
    # Python reads NaN and 1e999 from JSON, which neither compare nor can be stored; the bound keeps them out too.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_AMOUNT_MINOR


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | bool) or _is_number(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 1000 and all(_is_scalar(item) for item in value)


def _equal(found: Any, value: Any) -> bool:
    # In Python True == 1; in a marketer's condition it is not.
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


_Test = tuple[Callable[[Any], bool], str, Callable[[Any, Any], bool]]

_TESTS: dict[str, _Test] = {
    "equals": (_is_scalar, "a text, a number or true/false", _equal),
    "not_equals": (_is_scalar, "a text, a number or true/false", lambda found, value: not _equal(found, value)),
    "at_least": (_is_number, "a number", lambda found, value: _is_number(found) and found >= value),
    "at_most": (_is_number, "a number", lambda found, value: _is_number(found) and found <= value),
    "more_than": (_is_number, "a number", lambda found, value: _is_number(found) and found > value),
    "less_than": (_is_number, "a number", lambda found, value: _is_number(found) and found < value),
    "one_of": (_is_list, "a list of texts or numbers", lambda found, value: any(_equal(found, v) for v in value)),
    "contains": (
        lambda value: isinstance(value, str) and value != "",
        "a text",
        lambda found, value: isinstance(found, str) and value in found,
    ),
}
