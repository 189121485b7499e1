"""The parts of a rule. Each holds a closure that decides, and another that tells why when somebody asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from rewards.baskets import Line
from rewards.rules import comparing
from rewards.rules.comparing import Test
from rewards.rules.concerns import ANYTHING, Concerns
from rewards.rules.facts import Facts, Need, quantity_of
from rewards.rules.kinds import COUNT, MONEY, QUANTITY, Kind
from rewards.rules.leaves import Fact

#: The reason tree of a part, JSON-ready, with `is_met` in each of its objects.
Tell = Callable[[Facts, Line], dict[str, Any]]

#: What conditions on the basket are given for the line that they do not look at.
NO_LINE = Line(sku="", category="", quantity="0", amount_minor=0)

#: A reason names so many lines of a basket, those that decide first.
_MOST_LINES_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """size  how many conditions it holds; those of a saved rule count each time that the rule is named"""

    test: Test
    tell: Tell
    needs: frozenset[Need] = frozenset()
    concerns: Concerns = ANYTHING
    size: int = 1


def never() -> Part:
    """What stands for a condition that could not be read."""
    says = "This condition cannot be read, so it is never met."
    return Part(test=lambda facts, line: False, tell=lambda facts, line: {"is_met": False, "says": says})


def all_of(parts: Sequence[Part]) -> Part:
    tests = tuple([part.test for part in parts])

    def test(facts: Facts, line: Line) -> bool:
        for each in tests:  # noqa: SIM110 - all() over a generator costs half as much again
            if not each(facts, line):
                return False
        return True

    def tell(facts: Facts, line: Line) -> dict[str, Any]:
        told = [part.tell(facts, line) for part in parts]
        return {"is_met": all(each["is_met"] for each in told), "all": told}

    return _of_many(parts, test, tell, Concerns.of_all(part.concerns for part in parts))


def any_of(parts: Sequence[Part]) -> Part:
    tests = tuple([part.test for part in parts])

    def test(facts: Facts, line: Line) -> bool:
        for each in tests:  # noqa: SIM110 - as above
            if each(facts, line):
                return True
        return False

    def tell(facts: Facts, line: Line) -> dict[str, Any]:
        told = [part.tell(facts, line) for part in parts]
        return {"is_met": any(each["is_met"] for each in told), "any": told}

    return _of_many(parts, test, tell, Concerns.of_any(part.concerns for part in parts))


def not_(part: Part) -> Part:
    inner = part.test

    def tell(facts: Facts, line: Line) -> dict[str, Any]:
        told = part.tell(facts, line)
        return {"is_met": not told["is_met"], "not": told}

    return replace(
        part, test=lambda facts, line: not inner(facts, line), tell=tell, concerns=ANYTHING, size=part.size + 1
    )


def named(rule_id: UUID, name: str, part: Part) -> Part:
    """A saved rule, used within another."""

    def tell(facts: Facts, line: Line) -> dict[str, Any]:
        told = part.tell(facts, line)
        return {"is_met": told["is_met"], "rule": {"id": str(rule_id), "name": name}, "because": told}

    return replace(part, tell=tell, size=part.size + 1)


def any_line(part: Part) -> Part:
    inner = part.test

    def test(facts: Facts, _: Line) -> bool:
        for line in facts.basket.lines:  # noqa: SIM110 - as above
            if inner(facts, line):
                return True
        return False

    def tell(facts: Facts, _: Line) -> dict[str, Any]:
        told = _lines_told(part, facts, first=True)
        return {"is_met": any(each["is_met"] for each in told), "any_line": told}

    return replace(part, test=test, tell=tell, size=part.size + 1)


def all_lines(part: Part) -> Part:
    """A basket without lines does not meet it."""
    inner = part.test

    def test(facts: Facts, _: Line) -> bool:
        for line in facts.basket.lines:
            if not inner(facts, line):
                return False
        return len(facts.basket.lines) > 0

    def tell(facts: Facts, _: Line) -> dict[str, Any]:
        told = _lines_told(part, facts, first=False)
        return {"is_met": bool(told) and all(each["is_met"] for each in told), "all_lines": told}

    return replace(part, test=test, tell=tell, size=part.size + 1)


#: What may be summed over lines, as which kind, and what it is called.
SUMS: dict[str, tuple[Kind, str, Callable[[Line], int | Decimal]]] = {
    "amount_minor": (MONEY, "What the lines come to", lambda line: line.amount_minor),
    "quantity": (QUANTITY, "The lines' quantity", lambda line: quantity_of(line.quantity) or 0),
    "count": (COUNT, "The number of the lines", lambda line: 1),
}


def line_sum(where: Part | None, summed: str, word: str, value: Any) -> Part:
    """A sum over the lines that meet `where`, all of them where it is None."""
    kind, label, measure = SUMS[summed]
    counts = where.test if where else None

    def get(facts: Facts, _: Line) -> Any:
        lines = facts.basket.lines
        return sum([measure(line) for line in lines if counts is None or counts(facts, line)])

    fact = Fact(name="lines", kind=kind, label=label, get=get)
    made = leaf(fact, word, value, about={"sum": summed})
    return replace(
        made,
        needs=where.needs if where else frozenset(),
        # Without any such line the sum is 0: only what 0 does not meet cannot be met without one.
        concerns=where.concerns if where and not comparing.meets(word, 0, value) else ANYTHING,
        size=1 + (where.size if where else 0),
    )


def leaf(fact: Fact, word: str, value: Any, *, about: dict[str, Any] | None = None) -> Part:
    """A fact compared with a value. about: what else the condition names, for the reason"""
    kind, get = fact.kind, fact.get
    test = comparing.test_of(word, get, value, kind)
    needed = [kind.wire(one) for one in value] if isinstance(value, list) else kind.wire(value)

    def tell(facts: Facts, line: Line) -> dict[str, Any]:
        actual = get(facts, line)
        if kind.is_many and actual is not None:  # of what the customer belongs to, only what was asked about
            actual = [one for one in (value if isinstance(value, list) else [value]) if one in actual]
        return {
            "is_met": test(facts, line),
            "fact": fact.name,
            **(about or {}),
            "is": word,
            "needed": needed,
            "actual": _wire(kind, actual),
            "says": f"{fact.label} is {_told(kind, actual, facts.currency)}; "
            f"asked for: {comparing.asked(word, value, kind, facts.currency)}.",
        }

    return Part(
        test=test, tell=tell, needs=frozenset([fact.need] if fact.need else []), concerns=_of(fact, word, value)
    )


def _of_many(parts: Sequence[Part], test: Test, tell: Tell, concerns: Concerns) -> Part:
    needs: frozenset[Need] = frozenset().union(*[part.needs for part in parts])
    return Part(test=test, tell=tell, needs=needs, concerns=concerns, size=1 + sum([part.size for part in parts]))


def _lines_told(part: Part, facts: Facts, *, first: bool) -> list[dict[str, Any]]:
    """The reasons of the lines that decide: first those that meet the part, or those that do not."""
    lines = sorted(enumerate(facts.basket.lines), key=lambda placed: part.test(facts, placed[1]) is not first)
    return [{"line": place, **part.tell(facts, line)} for place, line in lines[:_MOST_LINES_TOLD]]


def _of(fact: Fact, word: str, value: Any) -> Concerns:
    if word not in ("equals", "one_of"):
        return ANYTHING
    wanted = frozenset(value if word == "one_of" else [value])
    match fact.name:
        case "line.sku":
            return Concerns(skus=wanted)
        case "line.category":
            return Concerns(categories=wanted)
        case "store.id":
            return Concerns(stores=wanted)
        case "customer.audience":
            return Concerns(audiences=wanted)
        case _:
            return ANYTHING


def _wire(kind: Kind, actual: Any) -> Any:
    if actual is None:
        return None
    return [kind.wire(one) for one in actual] if isinstance(actual, list) else kind.wire(actual)


def _told(kind: Kind, actual: Any, currency: str) -> str:
    if actual is None:
        return "not known"
    if isinstance(actual, list):
        return " and ".join([kind.tell(one, currency) for one in actual]) or "another"
    return kind.tell(actual, currency)
