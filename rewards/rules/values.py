"""What conditions compare with, out of JSON."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from core.notes import Notes
from rewards.rules import comparing, kinds
from rewards.rules.kinds import Kind, Unreadable

_MOST_VALUES = 1000


def read(raw: dict[str, Any], notes: Notes, kind: Kind) -> tuple[str, Any] | None:
    """The word and the value of a comparison; None, with the fault noted, when they do not fit."""
    if "is" not in raw or "value" not in raw:
        return None  # noted as missing
    word, value = raw["is"], raw["value"]
    if not isinstance(word, str) or word not in kind.words:
        notes.at("is").say(f"Must be one of: {', '.join(kind.words)}.{meant(word, kind.words)}")
        return None
    at = notes.at("value")
    if word in comparing.LISTS:
        return _listed(word, value, at, kind)
    if word == "between":
        if not isinstance(value, list) or len(value) != 2:
            at.say(f"“between” takes two values, the least and the most, each {kind.wanted}.")
            return None
        found = [_one(each, at.at(place), kind) for place, each in enumerate(value)]
        if None in found:
            return None
        if kind is not kinds.CLOCK and found[0] > found[1]:
            at.say(f"Nothing lies between {value[0]} and {value[1]}: the least comes first.")
            return None
        return word, found
    one = _one(value, at, kind)
    if one is None:
        return None
    if word == "less_than" and not one and kind in (kinds.MONEY, kinds.COUNT, kinds.DAYS, kinds.QUANTITY):
        at.say("Nothing is less than 0, so this could never be met.")
        return None
    return word, one


def _listed(word: str, value: Any, at: Notes, kind: Kind) -> tuple[str, Any] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_VALUES:
        at.say(f"“{word}” takes a list of 1 to {_MOST_VALUES} values.")
        return None
    found = [_one(each, at.at(place), kind) for place, each in enumerate(value)]
    return None if None in found else (word, found)


def _one(raw: Any, at: Notes, kind: Kind) -> Any:
    try:
        return kind.read(raw)
    except Unreadable:
        at.say(f"Must be {kind.wanted}.{meant(raw, kind.choices)}")
        return None


def meant(given: Any, choices: Iterable[str]) -> str:
    """A hint at the choice that is closest to what was given; empty where none is close."""
    if not isinstance(given, str) or len(given) > 100:
        return ""
    word, known = given.lower(), list(choices)
    if close := [each for each in known if len(word) > 2 and word in each] or get_close_matches(
        word, known, cutoff=0.5
    ):
        return f" Did you mean “{close[0]}”?"
    return ""
