"""update_trait: write a trait into the customer's profile, where segments and later branches see it.

    {"kind": "update_trait", "name": "welcomed", "value": true, "next": "bye"}

Nothing that tells who somebody is: traits stand in the clear.
"""

import re
from dataclasses import dataclass
from typing import Any

from core import personal
from core.money import MAX_AMOUNT_MINOR
from core.notes import Notes
from engage.steps.base import AskTrait, Deed

_MEMBERS = frozenset(("kind", "name", "value", "next"))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True)
class UpdateTrait(Deed):
    name: str
    value: str | int | bool | None
    kind: str = "update_trait"

    @property
    def asks(self) -> AskTrait:
        return AskTrait(self.name, self.value)


def parse_update_trait(raw: dict[str, Any], notes: Notes) -> UpdateTrait:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("name", "value")))
    name, value = raw.get("name"), raw.get("value")
    if not isinstance(name, str) or not _NAME.match(name):
        notes.at("name").say("Must be the name of a trait: letters, digits and _, at most 64 characters.")
        name = ""
    if "value" in raw and not _is_storable(value):
        notes.at("value").say("Must be a text of at most 64 characters, a whole number, or true or false.")
        value = None
    if personal.split({"traits": {name: value}})[1]:
        notes.say(f"“{name}” or its value tells who somebody is, and must not stand in a profile.")
    return UpdateTrait(name, value, next=raw.get("next"))


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= 64 and value.isprintable()
    return isinstance(value, bool | int) and abs(value) <= MAX_AMOUNT_MINOR
