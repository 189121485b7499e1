"""Conditions on customers out of JSON; one grammar for segments and for journeys' branches.

    {"all": [C, …]}   {"any": [C, …]}   {"not": C}
    {"trait": "plan", "is": "equals", "value": "gold"}
    {"profile": "orders", "is": "at_least", "value": 3}
    {"event": "order.completed", "where": {…}, "count": true, "is": "at_least", "value": 3, "within_days": 30}
    {"event": "order.completed", "sum": "total_minor", "is": "at_least", "value": 5000}
    {"event": "order.completed", "last": "more_than", "days": 45}
    {"wallet": "promotional", "currency": "GBP", "is": "at_least", "value": 500}
    {"voucher": {"campaign_id": "…"}, "holds": true}   … "redeemed": true}   … "expires_within_days": 3}
    {"segment": "regulars"}

Windows are whole days of the brand: `within_days` 1 is today alone. What is not known of a customer meets nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.notes import Notes
from insights.segments import leaves, parts
from insights.segments.facts import Counted, Facts, Need
from insights.segments.hints import meant
from insights.segments.parts import Part
from insights.segments.sql import Query
from insights.streams import Stream

#: How deep conditions may stand, and how many there may be, those of named segments included.
DEEPEST = 10
MOST_CONDITIONS = 200
_MOST_PARTS = 50

_SHAPES = ("all", "any", "not", *leaves.READ, "segment")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read. One with faults is never met where a fault stands."""

    part: Part

    @property
    def needs(self) -> frozenset[Need]:
        """What must be loaded before it can be decided."""
        return self.part.needs

    @property
    def streams(self) -> frozenset[Stream]:
        """What must be counted before it can be decided."""
        return frozenset(need.stream for need in self.part.needs if isinstance(need, Counted))

    @property
    def holds(self) -> Callable[[Facts], bool]:
        return self.part.test

    def explain(self, facts: Facts) -> dict[str, Any]:
        """The reason tree, JSON-ready: each condition with what it asks for, what is, and a sentence."""
        return self.part.tell(facts)

    def turns_on(self, facts: Facts) -> date | None:
        """The first day on which time alone may change the answer."""
        return self.part.turns(facts) if self.part.turns else None

    def sql(self, query: Query) -> str:
        """The same over everybody, as an expression of the query."""
        return self.part.sql(query)


def parse(raw: Any, notes: Notes, *, is_expanded: bool = False) -> Condition:
    """A condition; its faults go to `notes`.

    is_expanded  a named segment stands with what it means (`saved` writes it so) and is decided by that; else by who
                 is kept to be in it
    """
    part = _condition(raw, notes, depth=0, is_expanded=is_expanded)
    if part.size > MOST_CONDITIONS:
        notes.say(f"There are {part.size} conditions in all, and may be {MOST_CONDITIONS}.")
        part = parts.never()  # since deciding it would take as long
    return Condition(part)


def _condition(raw: Any, notes: Notes, *, depth: int, is_expanded: bool) -> Part:
    if depth > DEEPEST * (4 if is_expanded else 1):
        notes.say(f"Conditions may stand at most {DEEPEST} deep.")
        return parts.never()
    if not isinstance(raw, dict):
        notes.say("Must be a condition, such as {“profile”: “orders”, “is”: “at_least”, “value”: 3}.")
        return parts.never()
    shapes = [word for word in _SHAPES if word in raw]
    if len(shapes) != 1:
        notes.say(_shape_hint(raw, shapes))
        return parts.never()
    shape = shapes[0]
    if shape in leaves.READ:
        return leaves.READ[shape](raw, notes)
    if shape == "segment":
        return _segment(raw, notes, depth=depth, is_expanded=is_expanded)
    notes.object_(raw, allowed=frozenset([shape]))
    if shape == "not":
        return parts.not_(_condition(raw["not"], notes.at("not"), depth=depth + 1, is_expanded=is_expanded))
    given, at = raw[shape], notes.at(shape)
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_PARTS:
        at.say(f"Must be a list of 1 to {_MOST_PARTS} conditions.")
        return parts.never()
    found = [
        _condition(each, at.at(place), depth=depth + 1, is_expanded=is_expanded) for place, each in enumerate(given)
    ]
    return parts.all_of(found) if shape == "all" else parts.any_of(found)


def _segment(raw: dict[str, Any], notes: Notes, *, depth: int, is_expanded: bool) -> Part:
    if not is_expanded:
        return leaves.segment(raw, notes)
    return parts.named(raw["segment"], _condition(raw["means"], notes, depth=depth + 1, is_expanded=True))


def _shape_hint(raw: dict[str, Any], shapes: list[str]) -> str:
    if shapes:
        return f"“{shapes[0]}” and “{shapes[1]}” cannot stand side by side: put both into one “all” or “any”."
    for name in list(raw)[:20]:
        if hint := meant(name, _SHAPES):
            return f"A condition has no “{str(name)[:50]}”.{hint}"
    return f"Must be a condition: an object with one of {', '.join(_SHAPES)}."
