"""The graph of a journey: JSON as staff publish it, parsed into immutable steps with every fault named at once.

    {"trigger": {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": 5000}},
     "re_entry": "never",
     "first": "gift",
     "steps": {"gift": {"kind": "issue_voucher", "campaign_id": "…", "next": "tell"}, …}}

`re_entry` is "never" (the default) or {"once_per": "order_id"}: once for each value of that field of the trigger.
"""

from dataclasses import dataclass
from typing import Any

from core.conditions import Payload, Predicate, values_at
from core.events.named import fields_of, parse_event, parse_where
from core.notes import Notes
from engage.journeys import flow
from engage.journeys.errors import JourneyInvalid
from engage.steps import KINDS, Step

MOST_STEPS = 100
_LONGEST_KEY = 200

_MEMBERS = frozenset(("trigger", "re_entry", "first", "steps"))
_REQUIRED = frozenset(("trigger", "first", "steps"))
_TRIGGER_MEMBERS = frozenset(("event", "where"))


@dataclass(frozen=True)
class Graph:
    """entry_field: the trigger's field whose value lets a customer enter once more; None: once ever."""

    trigger_event: str
    trigger_where: Predicate
    entry_field: str | None
    first: str
    steps: dict[str, Step]

    def entry_key(self, payload: Payload) -> str | None:
        """Under which key this payload lets its customer in; None when the field that it takes is missing."""
        if self.entry_field is None:
            return ""
        value = next(values_at(payload, self.entry_field.split(".")), None)
        return str(value)[:_LONGEST_KEY] if isinstance(value, str | int | float) else None


def parse(raw: Any, *, pointer: str = "") -> Graph:
    """The graph of a journey.

    pointer  where the graph stands in what was sent
    raises   JourneyInvalid, which names every fault and where it stands
    """
    notes = Notes(pointer)
    given = notes.object_(raw, allowed=_MEMBERS, required=_REQUIRED)
    trigger = notes.at("trigger").object_(
        given.get("trigger", {}), allowed=_TRIGGER_MEMBERS, required=frozenset(("event",))
    )
    event = parse_event(trigger["event"], notes.at("trigger").at("event")) if "event" in trigger else ""
    graph = Graph(
        trigger_event=event,
        trigger_where=parse_where(trigger.get("where"), notes.at("trigger").at("where"), event=event),
        entry_field=_entry_field(given.get("re_entry", "never"), notes.at("re_entry"), event=event),
        first=given["first"] if isinstance(given.get("first"), str) else "",
        steps=_steps(given.get("steps", {}), notes.at("steps")),
    )
    if not notes.errors:
        flow.check(graph.first, graph.steps, notes)
    if notes.errors:
        raise JourneyInvalid(errors=notes.errors)
    return graph


def _entry_field(raw: Any, notes: Notes, *, event: str) -> str | None:
    if raw == "never":
        return None
    if not isinstance(raw, dict) or raw.keys() != {"once_per"}:
        notes.say('Must be “never” or {"once_per": a field of the trigger}.')
        return None
    field = notes.at("once_per").text(raw["once_per"], longest=_LONGEST_KEY)
    known = fields_of(event)
    if field and known is not None and field.split(".")[0] not in known:
        notes.at("once_per").say(f"“{event}” has no field “{field}”. It has: {', '.join(sorted(known))}.")
    return field


def _steps(raw: Any, notes: Notes) -> dict[str, Step]:
    if not isinstance(raw, dict) or not 1 <= len(raw) <= MOST_STEPS:
        notes.say(f"Must be an object of 1 to {MOST_STEPS} steps by name.")
        return {}
    steps: dict[str, Step] = {}
    for name, step in raw.items():
        here = notes.at(name)
        if not 0 < len(name) <= 100:
            here.say("The name of a step has 1 to 100 characters.")
        elif not isinstance(step, dict):
            here.say("Must be an object.")
        elif not isinstance(step.get("kind"), str) or step["kind"] not in KINDS:
            here.at("kind").say(f"Must be one of: {', '.join(KINDS)}.")
        else:
            steps[name] = KINDS[step["kind"]](step, here)
    return steps
