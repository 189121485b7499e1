"""notify_staff: tell staff by e-mail that a customer came to this place.

    {"kind": "notify_staff", "text": "A gold customer complained; please call.", "next": "bye"}

It names the customer by id alone: who they are stands behind the staff door.
"""

from dataclasses import dataclass
from typing import Any

from core.notes import Notes
from engage.steps.base import AskStaff, Deed

LONGEST_TEXT = 500

_MEMBERS = frozenset(("kind", "text", "next"))


@dataclass(frozen=True)
class NotifyStaff(Deed):
    text: str
    kind: str = "notify_staff"

    @property
    def asks(self) -> AskStaff:
        return AskStaff(self.text)


def parse_notify_staff(raw: dict[str, Any], notes: Notes) -> NotifyStaff:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("text",)))
    text = notes.at("text").text(raw["text"], longest=LONGEST_TEXT) if "text" in raw else ""
    return NotifyStaff(text, next=raw.get("next"))
