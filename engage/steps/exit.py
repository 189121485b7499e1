"""exit: the journey ends here, under a name of the marketer's own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.notes import Notes
from engage.steps.base import Branch, End, Move, Plain, Run, Where

_MEMBERS = frozenset(("kind", "reason"))


@dataclass(frozen=True)
class Exit(Plain):
    reason: str
    kind: str = "exit"

    @property
    def branches(self) -> dict[str, Branch]:
        return {}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        return End(self.reason)


def parse_exit(raw: dict[str, Any], notes: Notes) -> Exit:
    notes.object_(raw, allowed=_MEMBERS)
    return Exit(reason=notes.at("reason").text(raw.get("reason", "exit"), longest=100))
