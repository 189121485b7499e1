"""Writing into a condition what the segments that it names mean, so that it is decided without looking them up."""

from collections.abc import Mapping
from typing import Any

from core.notes import Notes
from insights.segments.errors import SegmentInvalid
from insights.segments.hints import meant
from insights.segments.models import Segment
from insights.segments.parsing import parse

#: How deep segments may name one another.
_DEEPEST = 3


def checked(
    condition: Any, known: Mapping[str, Segment], *, own: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """The expanded condition.

    own     the key of the segment that it is of, which it cannot name
    by      the segment whose change makes this check needed
    raises  SegmentInvalid
    """
    notes = Notes("/condition")
    parse(condition, notes)
    expanded = condition if notes.errors else _expanded(condition, notes, known, (own,) if own else ())
    if not notes.errors:
        parse(expanded, notes, is_expanded=True)  # together they may be too many
    if notes.errors and by is not None:
        detail = f"The segment “{own}” uses this one and could not any more: {notes.errors[0]['detail']}"
        raise SegmentInvalid(errors=[{"pointer": "/condition", "detail": detail}])
    if notes.errors:
        raise SegmentInvalid(errors=notes.errors)
    return dict(expanded)


def named_in(condition: Any) -> set[str]:
    """The segments that a condition names itself."""
    if isinstance(condition, list):
        return set().union(*[named_in(each) for each in condition])
    if not isinstance(condition, dict):
        return set()
    if "segment" in condition:
        return {condition["segment"]}
    return set().union(*[named_in(condition[word]) for word in ("all", "any", "not") if word in condition])


def _expanded(condition: Any, notes: Notes, known: Mapping[str, Segment], around: tuple[str, ...]) -> Any:
    if isinstance(condition, list):
        return [_expanded(each, notes.at(place), known, around) for place, each in enumerate(condition)]
    if "segment" in condition:
        return _meant(condition["segment"], notes.at("segment"), known, around)
    for word in ("all", "any", "not"):
        if word in condition:
            return {word: _expanded(condition[word], notes.at(word), known, around)}
    return condition


def _meant(key: str, notes: Notes, known: Mapping[str, Segment], around: tuple[str, ...]) -> dict[str, Any]:
    if key not in known:
        notes.say(f"There is no segment “{key}”.{meant(key, known)}")
    elif key in around:
        notes.say(f"“{key}” would go by itself.")
    elif len(around) > _DEEPEST:
        notes.say(f"Segments may name one another {_DEEPEST} deep.")
    else:
        inside = Notes()
        means = _expanded(known[key].condition, inside, known, (*around, key))
        for fault in inside.errors[:1]:
            notes.say(f"The segment “{key}” cannot be used here: {fault['detail']}")
        return {"segment": key, "means": means}
    return {"segment": key, "means": {}}
