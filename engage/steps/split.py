"""split: send shares of the walks different ways, each visit drawn by itself.

{"kind": "split", "paths": [{"name": "text", "bps": 3000, "to": "sms"}, {"name": "mail", "bps": 7000, "to": "mail"}]}
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.notes import Notes
from engage.steps.base import Branch, Go, Move, Plain, Run, Where
from engage.steps.shares import Way, branches_of, drawn, parse_ways

_MEMBERS = frozenset(("kind", "paths"))


@dataclass(frozen=True)
class Split(Plain):
    ways: tuple[Way, ...]
    kind: str = "split"

    @property
    def branches(self) -> dict[str, Branch]:
        return branches_of(self.ways, "paths")

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        way = drawn(self.ways, where, run, is_sticky=False)
        run.because("path", f"Took the path “{way.name}”.", path=way.name)
        return Go(way.to)


def parse_split(raw: dict[str, Any], notes: Notes) -> Split:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("paths",)))
    return Split(parse_ways(raw["paths"], notes.at("paths"), member="paths") if "paths" in raw else ())
