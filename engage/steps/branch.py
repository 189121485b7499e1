"""branch: go the first way whose condition holds, by what is known of the customer or brought them in.

{"kind": "branch",
 "paths": [{"when": {"profile": "orders", "is": "at_least", "value": 3}, "to": "thank"},
           {"when": {"field": "total_minor", "is": "at_least", "value": 5000}, "to": "gift"}],
 "else": "tell"}
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.notes import Notes
from engage.steps import questions
from engage.steps.base import AskFacts, Branch, Go, Move, Plain, Run, Where
from engage.steps.questions import Question
from engage.steps.setting import Setting
from insights.segments.facts import Need

_MEMBERS = frozenset(("kind", "paths", "else"))
_PATH_MEMBERS = frozenset(("when", "to"))
_MOST_PATHS = 20


@dataclass(frozen=True)
class Path:
    when: Question
    to: Branch


@dataclass(frozen=True)
class BranchOff(Plain):
    """otherwise: where those go for whom no condition holds; None ends it"""

    paths: tuple[Path, ...]
    otherwise: Branch
    kind: str = "branch"

    @property
    def branches(self) -> dict[str, Branch]:
        ways = {f"paths/{position}/to": path.to for position, path in enumerate(self.paths)}
        return {**ways, "else": self.otherwise}

    @property
    def needs(self) -> frozenset[Need]:
        return frozenset().union(*[path.when.needs for path in self.paths])

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        if self.needs and where.facts is None:
            return AskFacts(self.needs)
        payload = where.context.get("payload") or {}
        for position, path in enumerate(self.paths):
            if path.when.test(payload, where.facts):
                run.because("path", f"Condition {position + 1} holds.", path=position)
                return Go(path.to)
        run.because("else", "None of the conditions holds.")
        return Go(self.otherwise)


def parse_branch(raw: dict[str, Any], notes: Notes, setting: Setting) -> BranchOff:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("paths",)))
    paths = raw.get("paths", [])
    if not isinstance(paths, list) or not 1 <= len(paths) <= _MOST_PATHS:
        notes.at("paths").say(f"Must be a list of 1 to {_MOST_PATHS} paths.")
        paths = []
    here = notes.at("paths")
    return BranchOff(
        tuple(_path(one, here.at(position), setting) for position, one in enumerate(paths)), raw.get("else")
    )


def _path(raw: Any, notes: Notes, setting: Setting) -> Path:
    given = notes.object_(raw, allowed=_PATH_MEMBERS, required=frozenset(("when",)))
    if "when" not in given:
        return Path(questions.NEVER, given.get("to"))
    return Path(questions.parse(given["when"], notes.at("when"), event=setting.event), given.get("to"))
