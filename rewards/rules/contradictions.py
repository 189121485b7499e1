"""Conditions of one `all` that can never be met together: a rule with them would silently give nothing to anybody."""

from dataclasses import dataclass, field
from typing import Any

from rewards.rules import comparing
from rewards.rules.kinds import CLOCK, COUNT, DAYS, MONEY
from rewards.rules.leaves import FACTS, Fact


def contradiction(conditions: list[Any]) -> str | None:
    """The first fact that the conditions, each sound in itself, ask too much of, as a sentence."""
    asked: dict[str, _Asked] = {}
    for each in conditions:
        fact = FACTS.get(each.get("fact", ""))
        if fact is None or fact.kind.is_many or fact.kind is CLOCK:  # hours may go round midnight
            continue
        known = asked.setdefault(fact.name, _Asked(fact))
        known.ask(each["is"], each["value"])
        if known.is_impossible:
            return f"No “{fact.name}” can meet all of these at once, so the rule would never be met."
    return None


@dataclass
class _Asked:
    """What is asked of one fact: values that it must be one of, values that it must not be, and bounds."""

    fact: Fact
    allowed: frozenset[Any] | None = None
    excluded: set[Any] = field(default_factory=set)
    bounds: list[tuple[str, Any]] = field(default_factory=list)

    def ask(self, word: str, raw: Any) -> None:
        read = self.fact.kind.read
        value = [read(one) for one in raw] if isinstance(raw, list) else read(raw)
        match word:
            case "equals" | "one_of":
                wanted = frozenset(value if word == "one_of" else [value])
                self.allowed = wanted if self.allowed is None else self.allowed & wanted
            case "not_equals" | "none_of":
                self.excluded.update(value if word == "none_of" else [value])
            case "between":
                self.bounds += [("at_least", value[0]), ("at_most", value[1])]
            case _:
                self.bounds.append((word, value))

    @property
    def is_impossible(self) -> bool:
        if self.allowed is not None:
            return not any(self._fits(value) for value in self.allowed - self.excluded)
        lows = [bound for bound in self.bounds if bound[0] in ("at_least", "more_than")]
        highs = [bound for bound in self.bounds if bound[0] in ("at_most", "less_than")]
        return any(self._is_empty(low, high) for low in lows for high in highs)

    def _fits(self, value: Any) -> bool:
        return all(comparing.meets(word, value, bound) for word, bound in self.bounds)

    def _is_empty(self, low: tuple[str, Any], high: tuple[str, Any]) -> bool:
        """Whether nothing lies between: of whole numbers nothing is more than 3 and less than 4."""
        is_strict = low[0] == "more_than", high[0] == "less_than"
        least, most = low[1], high[1]
        if self.fact.kind in (MONEY, COUNT, DAYS):
            return bool(least + is_strict[0] > most - is_strict[1])
        return bool(least > most or (least == most and any(is_strict)))
