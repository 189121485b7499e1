"""Questions: what a branch decides by, of the customer and of what brought them in.

The grammar of segments (`insights.segments.parsing`), in which {"field": "total_minor", "is": "at_least",
"value": 5000} asks the event that let the customer into the journey.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.conditions import compile_condition
from core.events.named import fields_of
from core.notes import Notes
from insights.segments.facts import Facts, Member, Need
from insights.segments.parsing import parse as parse_condition
from insights.streams import Stream

#: Of the entry's payload, and of the customer where anything is asked of them.
Test = Callable[[Mapping[str, Any], Facts | None], bool]

_DEEPEST = 10
_MOST_PARTS = 50


@dataclass(frozen=True)
class Question:
    """needs: what must be loaded before it can be decided; nothing where it asks of the entry alone"""

    test: Test
    needs: frozenset[Need] = frozenset()
    streams: frozenset[Stream] = frozenset()

    @property
    def segments(self) -> frozenset[str]:
        """The segments that it names, by their keys."""
        return frozenset(need.key for need in self.needs if isinstance(need, Member))


def parse(raw: Any, notes: Notes, *, event: str, depth: int = 0) -> Question:
    """A question; its faults go to `notes`. event: what lets customers in"""
    if depth > _DEEPEST:
        notes.say(f"Conditions may stand at most {_DEEPEST} deep.")
        return NEVER
    if isinstance(raw, dict) and len(raw) == 1 and (word := next(iter(raw))) in ("all", "any"):
        parts = _parts(raw[word], notes.at(word), event=event, depth=depth)
        return _joined(parts, all if word == "all" else any)
    if isinstance(raw, dict) and raw.keys() == {"not"}:
        return _not(parse(raw["not"], notes.at("not"), event=event, depth=depth + 1))
    if isinstance(raw, dict) and "field" in raw:
        predicate = compile_condition(raw, notes, fields=fields_of(event))
        return Question(lambda payload, _: predicate(payload))
    return _of_customer(raw, notes)


def _of_customer(raw: Any, notes: Notes) -> Question:
    condition = parse_condition(raw, notes)
    holds = condition.holds
    return Question(lambda _, facts: facts is not None and holds(facts), condition.needs, condition.streams)


def _not(part: Question) -> Question:
    return Question(lambda payload, facts: not part.test(payload, facts), part.needs, part.streams)


def _joined(parts: list[Question], how: Callable[[Any], bool]) -> Question:
    return Question(
        lambda payload, facts: how(part.test(payload, facts) for part in parts),
        frozenset().union(*[part.needs for part in parts]),
        frozenset().union(*[part.streams for part in parts]),
    )


def _parts(raw: Any, notes: Notes, *, event: str, depth: int) -> list[Question]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= _MOST_PARTS:
        notes.say(f"Must be a list of 1 to {_MOST_PARTS} conditions.")
        return []
    return [parse(one, notes.at(position), event=event, depth=depth + 1) for position, one in enumerate(raw)]


#: What stands for a question that could not be read.
NEVER = Question(lambda payload, facts: False)
