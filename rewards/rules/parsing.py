"""Rules out of JSON: every fault is noted with where it stands, in words for the person who wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from core.notes import Notes
from rewards import answers
from rewards.rules import bought, kinds, parts, values
from rewards.rules.comparing import Test
from rewards.rules.concerns import Concerns
from rewards.rules.contradictions import contradiction
from rewards.rules.facts import Facts, Need
from rewards.rules.kinds import Unreadable
from rewards.rules.leaves import BOUGHT, FACTS
from rewards.rules.parts import NO_LINE, Part

#: How deep conditions may stand, the saved rules in them included.
DEEPEST = 10
#: How many conditions a rule may hold, each saved rule as often as it is named.
MOST_CONDITIONS = 500
_MOST_PARTS = 50

_SHAPES = ("all", "any", "not", "any_line", "all_lines", "lines", "rule", "fact")


class Known(NamedTuple):
    """A saved rule, as others may use it."""

    name: str
    condition: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read. One with faults is never met where a fault stands."""

    part: Part
    _test: Test = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", self.part.test)

    def is_met(self, facts: Facts) -> bool:
        return self._test(facts, NO_LINE)

    def explain(self, facts: Facts) -> dict[str, Any]:
        """The reason tree, JSON-ready: each condition with what it asks for, what is, and a sentence. For
        staff, and through `reasons.for_owner` for the customer; to a till it would tell the customer's history."""
        return self.part.tell(facts, NO_LINE)

    @property
    def needs(self) -> frozenset[Need]:
        """What must be loaded before it can be decided."""
        return self.part.needs

    @property
    def concerns(self) -> Concerns:
        """What it cannot be met without."""
        return self.part.concerns


def parse(
    raw: Any,
    notes: Notes,
    *,
    known: Mapping[UUID, Known] | None = None,
    own: UUID | None = None,
    is_of_line: bool = False,
) -> Rule:
    """A rule; its faults go to `notes`.

    known       the saved rules that it may use, as `uses.known_to` reads them
    own         the saved rule that this is, which it cannot use
    is_of_line  it is meant to be used within conditions about a line
    """
    reader = _Reader(known or {})
    part = reader.condition(raw, notes, _Place(is_in_line=is_of_line, used=(own,) if own else ()))
    if part.size > MOST_CONDITIONS:
        notes.say(
            f"The rule holds {part.size} conditions, and may hold {MOST_CONDITIONS}. Use fewer, or lists of values."
        )
        part = parts.never()  # since deciding it and telling why would take as long
    return Rule(part)


@dataclass(frozen=True, slots=True)
class _Place:
    """used  the saved rules that stand around it"""

    depth: int = 0
    is_in_line: bool = False
    used: tuple[UUID, ...] = ()

    def deeper(self, *, is_in_line: bool = False) -> "_Place":
        return _Place(self.depth + 1, self.is_in_line or is_in_line, self.used)


@dataclass
class _Reader:
    known: Mapping[UUID, Known]
    #: A saved rule is read once, however often it is used; its own faults are told where it is saved.
    read: dict[tuple[UUID, bool, int], Part] = field(default_factory=dict)

    def condition(self, raw: Any, notes: Notes, place: _Place) -> Part:
        if place.depth > DEEPEST:
            notes.say(f"Conditions may stand at most {DEEPEST} deep, saved rules included.")
            return parts.never()
        if not isinstance(raw, dict):
            notes.say("Must be a condition, such as {“fact”: “basket.total_minor”, “is”: “at_least”, “value”: 2000}.")
            return parts.never()
        shapes = [word for word in _SHAPES if word in raw]
        if len(shapes) != 1:
            notes.say(_shape_hint(raw, shapes))
            return parts.never()
        return self._shaped(shapes[0], raw, notes, place)

    def _shaped(self, shape: str, raw: dict[str, Any], notes: Notes, place: _Place) -> Part:
        match shape:
            case "fact":
                return _leaf(raw, notes, place)
            case "lines":
                return self._sum(raw, notes, place)
        notes.object_(raw, allowed=frozenset([shape]))
        inner = notes.at(shape)
        match shape:
            case "all" | "any":
                return self._many(shape, raw[shape], inner, place)
            case "not":
                return parts.not_(self.condition(raw["not"], inner, place.deeper()))
            case "rule":
                return self._saved(raw["rule"], inner, place)
        if place.is_in_line:
            inner.say(f"“{shape}” cannot stand within a condition about a line.")
            return parts.never()
        made = self.condition(raw[shape], inner, place.deeper(is_in_line=True))
        return parts.any_line(made) if shape == "any_line" else parts.all_lines(made)

    def _many(self, shape: str, raw: Any, notes: Notes, place: _Place) -> Part:
        if not isinstance(raw, list) or not 1 <= len(raw) <= _MOST_PARTS:
            notes.say(f"Must be a list of 1 to {_MOST_PARTS} conditions.")
            return parts.never()
        clean = len(notes.errors)
        made = [self.condition(each, notes.at(number), place.deeper()) for number, each in enumerate(raw)]
        if shape == "any":
            return parts.any_of(made)
        if len(notes.errors) == clean and (says := contradiction(raw)):
            notes.say(says)
        return parts.all_of(made)

    def _saved(self, raw: Any, notes: Notes, place: _Place) -> Part:
        try:
            rule_id = kinds.ID.read(raw)
        except Unreadable:
            notes.say("Must be the id of a saved rule.")
            return parts.never()
        if rule_id in place.used:
            ring = (*place.used[place.used.index(rule_id) :], rule_id)
            notes.say(f"The rule would use itself: {' → '.join(self._name(each) for each in ring)}.")
            return parts.never()
        if rule_id not in self.known:
            notes.say("There is no saved rule with this id.")
            return parts.never()
        key = (rule_id, place.is_in_line, place.depth)
        if key not in self.read:
            self.read[key] = self._read_saved(rule_id, notes, place)
        return self.read[key]

    def _read_saved(self, rule_id: UUID, notes: Notes, place: _Place) -> Part:
        inside = Notes()
        around = _Place(place.depth + 1, place.is_in_line, (*place.used, rule_id))
        name, condition = self.known[rule_id]
        part = parts.named(rule_id, name, self.condition(condition, inside, around))
        for fault in inside.errors[:1]:
            notes.say(f"The saved rule “{name}” cannot be used here: {fault['detail']}")
        return part

    def _name(self, rule_id: UUID) -> str:
        return f"“{self.known[rule_id].name}”" if rule_id in self.known else "this rule"

    def _sum(self, raw: dict[str, Any], notes: Notes, place: _Place) -> Part:
        notes.object_(raw, allowed=_SUM, required=_SUM)
        if place.is_in_line:
            notes.say("“lines” cannot stand within a condition about a line.")
            return parts.never()
        clean, at = len(notes.errors), notes.at("lines")
        given = at.object_(raw["lines"], allowed=_SUMMED, required=frozenset(["sum"]))
        summed = given.get("sum")
        if "sum" in given and (not isinstance(summed, str) or summed not in parts.SUMS):
            at.at("sum").say(f"Must be one of: {', '.join(parts.SUMS)}.{values.meant(summed, parts.SUMS)}")
        where = (
            self.condition(given["where"], at.at("where"), place.deeper(is_in_line=True)) if "where" in given else None
        )
        if len(notes.errors) > clean or _SUM - raw.keys():
            return parts.never()
        assert isinstance(summed, str)
        kind = parts.SUMS[summed][0]
        compared = values.read(raw, notes, kind)
        return parts.line_sum(where, summed, *compared) if compared else parts.never()


def _leaf(raw: dict[str, Any], notes: Notes, place: _Place) -> Part:
    name = raw["fact"]
    if name == BOUGHT:
        return _bought(raw, notes)
    notes.object_(raw, allowed=_LEAF, required=_LEAF)
    if not isinstance(name, str) or name not in FACTS:
        notes.at("fact").say(f"There is no fact {_quoted(name)}.{values.meant(name, (*FACTS, BOUGHT)) or _FACTS_TOLD}")
        return parts.never()
    fact = FACTS[name]
    if fact.is_of_line and not place.is_in_line:
        notes.at("fact").say(f"“{name}” is about one line: put the condition into “any_line”, “all_lines” or “lines”.")
    if fact.need == "segments" and not answers.knows_segments():
        notes.at("fact").say("Segments are not known here yet.")
    compared = values.read(raw, notes, fact.kind)
    if compared is None or (fact.is_of_line and not place.is_in_line):
        return parts.never()
    return parts.leaf(fact, *compared)


def _bought(raw: dict[str, Any], notes: Notes) -> Part:
    notes.object_(raw, allowed=bought.MEMBERS, required=_LEAF | {"within_days"})
    clean = len(notes.errors)
    asked = bought.read(raw, notes)
    compared = values.read(raw, notes, bought.KIND)
    if asked is None or compared is None or len(notes.errors) > clean:
        return parts.never()
    return bought.part(asked, *compared)


def _shape_hint(raw: dict[str, Any], shapes: list[str]) -> str:
    if shapes:
        return f"“{shapes[0]}” and “{shapes[1]}” cannot stand side by side: put both into one “all” or “any”."
    for name in list(raw)[:20]:
        if hint := values.meant(name, _SHAPES):
            return f"A condition has no “{str(name)[:50]}”.{hint}"
    return f"Must be a condition: an object with one of {', '.join(_SHAPES)}."


def _quoted(given: Any) -> str:
    return f"“{given[:100]}”" if isinstance(given, str) else "of this kind: it must be a name"


_LEAF = frozenset(("fact", "is", "value"))
_SUM = frozenset(("lines", "is", "value"))
_SUMMED = frozenset(("where", "sum"))
_FACTS_TOLD = f" Known: {', '.join((*FACTS, BOUGHT))}."
