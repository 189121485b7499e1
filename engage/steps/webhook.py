"""webhook: tell a server that staff named what brought the customer here. The walk does not wait for its answer.

    {"kind": "webhook", "target_id": "…", "fields": ["order_id", "total_minor"], "next": "tell"}

It is told the customer's id, the journey, the step and the named fields of the entry, signed; see docs/marketers.md.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.notes import Notes
from engage.steps.base import AskCall, Deed
from engage.steps.hints import unknown_field
from engage.steps.setting import Setting

_MEMBERS = frozenset(("kind", "target_id", "fields", "next"))
_MOST_FIELDS = 20


@dataclass(frozen=True)
class Webhook(Deed):
    target_id: UUID
    fields: tuple[str, ...]
    kind: str = "webhook"

    @property
    def asks(self) -> AskCall:
        return AskCall(self.target_id, self.fields)


def parse_webhook(raw: dict[str, Any], notes: Notes, setting: Setting) -> Webhook:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("target_id",)))
    target_id = UUID(int=0)
    try:
        target_id = UUID(raw.get("target_id"))
    except (TypeError, ValueError, AttributeError):
        if "target_id" in raw:
            notes.at("target_id").say("Must be the id of a target.")
    fields, here = raw.get("fields", []), notes.at("fields")
    if not isinstance(fields, list) or len(fields) > _MOST_FIELDS or not all(isinstance(one, str) for one in fields):
        here.say(f"Must be a list of at most {_MOST_FIELDS} fields of what brought the customer in.")
        fields = []
    for position, field in enumerate(fields):
        if here.at(position).text(field, longest=100):
            unknown_field(setting.event, field, here.at(position))
    return Webhook(target_id, tuple(fields), next=raw.get("next"))
