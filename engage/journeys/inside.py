"""What becomes of those inside when a journey is published anew: they finish, are taken over step by step, or leave.

"finish"      everyone finishes the version that they entered
"exit"        everyone leaves
{"migrate": {"wait": "wait_longer", "remind": null}}
              by step of the version that is replaced: on with this step of the new one, or (null) out of the
              journey; who stands at a step that is not named finishes the version that they entered
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.notes import Notes
from engage.journeys import flow
from engage.journeys.errors import MoveInvalid
from engage.journeys.graph import Graph
from engage.steps.hints import unknown

How = Literal["finish", "migrate", "exit"]


@dataclass(frozen=True, slots=True)
class Inside:
    """map: of “migrate”, by step of the old version"""

    how: How = "finish"
    map: Mapping[str, str | None] = field(default_factory=dict)


FINISH = Inside()


def parse(raw: Any, *, old: Graph | None, new: Graph, pointer: str) -> Inside:
    """What staff want of those inside.

    old     the version that is replaced; None where there is none yet, and where nobody is taken over
    raises  MoveInvalid, naming each fault
    """
    notes = Notes(pointer)
    if raw == "finish":
        return FINISH
    if raw == "exit":
        return Inside("exit")
    if isinstance(raw, dict) and raw.keys() == {"migrate"} and isinstance(raw["migrate"], dict):
        _check(raw["migrate"], notes.at("migrate"), old, new)
    else:
        notes.say('Must be “finish”, “exit” or {"migrate": {a step of the old version: a step of the new one}}.')
    if notes.errors:
        raise MoveInvalid(errors=notes.errors)
    return Inside("migrate", raw["migrate"])


def _check(given: Mapping[str, Any], notes: Notes, old: Graph | None, new: Graph) -> None:
    if old is None:
        notes.say("Nobody is inside: the journey has no version yet.")
        return
    if not given:
        notes.say("Name a step of the old version at least, or say “finish”.")
    held = flow.surely_holding(old.first, old.steps)
    needs = flow.counts_on_voucher(new.steps)
    for step, to in given.items():
        here = notes.at(step)
        if step not in old.steps:
            here.say(unknown(step, old.steps.keys(), "step in the version that is replaced"))
        elif to is not None and (not isinstance(to, str) or to not in new.steps):
            here.say(unknown(str(to), new.steps.keys(), "step in the new version"))
        elif to is not None and to in needs and not held[step] and old.steps[step].gives_voucher_on is None:
            here.say(f"Those at “{step}” may hold no voucher, and “{to}” or what follows it counts on one.")
