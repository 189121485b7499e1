"""What happens, as a journey names it: which event of the log, and which of them count.

    {"event": "order.completed", "where": {…}, "same_key": "order_id"}      {"segment": "lapsed", "on": "left"}

Segments, dates and doors announce events like anything else, so a journey has one way in and one way out.
`same_key` counts only what belongs to the very thing that the customer entered for: a field of the event that must
hold the value of the journey's `re_entry` {"once_per": …}.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.conditions import Payload, Predicate, values_at
from core.events.named import parse_event, parse_where
from core.notes import Notes
from engage.steps.hints import unknown_field

SEGMENT_ENTERED, SEGMENT_LEFT = "segment.entered", "segment.left"

LONGEST_KEY = 200
_OF_SEGMENT = {"entered": SEGMENT_ENTERED, "left": SEGMENT_LEFT}


@dataclass(frozen=True)
class Happening:
    """segment: the segment's key where it is about one"""

    event: str
    where: Predicate
    same_key: str | None = None
    segment: str | None = None

    def counts(self, name: str, payload: Payload, *, entry_key: str) -> bool:
        """Whether an event is meant, for a walk that began under this key."""
        if name != self.event or not self.where(payload):
            return False
        return self.same_key is None or entry_key == key_at(payload, self.same_key)


def key_at(payload: Payload, field: str) -> str | None:
    """The value of a field as a key; None where there is none."""
    value = next(_scalars(payload, field), None)
    return None if value is None else str(value)[:LONGEST_KEY]


def of_event(raw: dict[str, Any], notes: Notes) -> Happening:
    """{"event", "where", "same_key"}, whatever else the object holds."""
    event = parse_event(raw["event"], notes.at("event")) if "event" in raw else ""
    return Happening(
        event=event,
        where=parse_where(raw.get("where"), notes.at("where"), event=event),
        same_key=same_key_of(raw, notes, event=event),
    )


def of_segment(raw: dict[str, Any], notes: Notes, *, counts_rebuilds: bool) -> Happening:
    """{"segment", "on"}. counts_rebuilds: whether it counts that staff changed the segment, and not the customer"""
    key = notes.at("segment").text(raw["segment"], longest=100)
    on = raw.get("on", "entered")
    if not isinstance(on, str) or on not in _OF_SEGMENT:
        notes.at("on").say("Must be “entered” or “left”.")
        on = "entered"

    def concerns(payload: Payload) -> bool:
        return payload.get("key") == key and (counts_rebuilds or not payload.get("is_rebuild"))

    return Happening(event=_OF_SEGMENT[on], where=concerns, segment=key)


def same_key_of(raw: dict[str, Any], notes: Notes, *, event: str | None) -> str | None:
    if raw.get("same_key") is None:
        return None
    field = notes.at("same_key").text(raw["same_key"], longest=LONGEST_KEY)
    unknown_field(event, field, notes.at("same_key"))
    return field or None


def _scalars(payload: Payload, field: str) -> Iterator[Any]:
    found = values_at(payload, field.split("."))
    return (value for value in found if isinstance(value, str | int | float) and not isinstance(value, bool))
