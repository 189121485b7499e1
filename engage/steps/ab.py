"""ab: try variants against each other; what follows is counted to the variant that the customer was given.

    {"kind": "ab", "variants": [{"name": "warm", "bps": 5000, "to": "warm"},
                                {"name": "plain", "bps": 5000, "to": "plain"}]}

A customer is given the same variant whenever they come here, unless "sticky" is false. Those held out are given one as
well, so that each variant has its own to be compared with.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.notes import Notes
from engage.steps.base import Branch, Go, Move, Plain, Run, Where
from engage.steps.shares import Way, branches_of, drawn, parse_ways

_MEMBERS = frozenset(("kind", "variants", "sticky"))


@dataclass(frozen=True)
class Ab(Plain):
    ways: tuple[Way, ...]
    is_sticky: bool
    kind: str = "ab"

    @property
    def branches(self) -> dict[str, Branch]:
        return branches_of(self.ways, "variants")

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        way = drawn(self.ways, where, run, is_sticky=self.is_sticky)
        run.variant = way.name
        return Go(way.to)


def parse_ab(raw: dict[str, Any], notes: Notes) -> Ab:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("variants",)))
    if not isinstance(raw.get("sticky", True), bool):
        notes.at("sticky").say("Must be true or false.")
    ways = parse_ways(raw["variants"], notes.at("variants"), member="variants") if "variants" in raw else ()
    return Ab(ways, is_sticky=raw.get("sticky", True) is not False)
