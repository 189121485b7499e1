"""Entries: what brings a customer into a journey, whom it takes, and when it takes the same customer again.

    {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": 5000}}
    {"segment": "lapsed", "on": "entered"}
    {"date": "birthday", "at": "09:00", "days_before": 3}
    {"door": "welcome"}                                   a link, poster, keyword or partner; see engage/journeys/doors

re_entry: "never", "after_exit", {"after_seconds": 86400} since the entry before, or {"once_per": "order_id"}, once for
each value of that field of what brought the customer in.
"""

import re
from dataclasses import dataclass
from datetime import time
from typing import Any, Literal
from uuid import UUID

from core.conditions import Payload
from core.notes import Notes
from engage.steps import happenings
from engage.steps.clock import clock
from engage.steps.happenings import LONGEST_KEY, Happening, key_at
from engage.steps.hints import unknown_field

DATE_REACHED = "date.reached"
ENTRY_REQUESTED = "entry.requested"

LONGEST_INTERVAL_SECONDS = 400 * 24 * 3600
MOST_DAYS_BEFORE = 60

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,49}\Z")

_MEMBERS = {
    "event": frozenset(("event", "where")),
    "segment": frozenset(("segment", "on")),
    "date": frozenset(("date", "at", "days_before")),
    "door": frozenset(("door",)),
}

EntryKind = Literal["event", "segment", "date", "door"]


@dataclass(frozen=True)
class Entry:
    """subject: the event, the segment's key, the trait that holds the date, or the door's slug

    at           the customer's own time of day before which the first step of a date entry waits
    days_before  how many days before the date they enter
    """

    kind: EntryKind
    subject: str
    happening: Happening
    at: time | None = None
    days_before: int = 0

    @property
    def event(self) -> str:
        return self.happening.event


@dataclass(frozen=True)
class ReEntry:
    """seconds: since the entry before, of “after_seconds”; field: of what lets them in, of “once_per”"""

    kind: Literal["never", "after_exit", "after_seconds", "once_per"] = "never"
    seconds: int = 0
    field: str | None = None

    @property
    def is_exclusive(self) -> bool:
        """Whether a customer walks the journey at most once at a time, and any number of times in turn."""
        return self.kind in ("after_exit", "after_seconds")

    def key(self, payload: Payload, event_id: UUID) -> str | None:
        """Under which key this event lets its customer in; None when the field that it takes is missing."""
        if self.field is not None:
            return key_at(payload, self.field)
        return str(event_id) if self.is_exclusive else ""


def parse_entry(raw: Any, notes: Notes) -> Entry:
    """The entry of a journey; what kind it is shows in which of four members it has."""
    kinds = [kind for kind in _MEMBERS if isinstance(raw, dict) and kind in raw]
    if len(kinds) != 1:
        notes.say("Say what lets customers in: one of “event”, “segment”, “date” or “door”.")
        return Entry("event", "", Happening("", _never))
    [kind] = kinds
    notes.object_(raw, allowed=_MEMBERS[kind])
    return _PARSERS[kind](raw, notes)


def parse_re_entry(raw: Any, notes: Notes, *, event: str) -> ReEntry:
    if raw == "never":
        return ReEntry()
    if raw == "after_exit":
        return ReEntry("after_exit")
    if isinstance(raw, dict) and raw.keys() == {"after_seconds"}:
        return ReEntry("after_seconds", seconds=_seconds(raw["after_seconds"], notes.at("after_seconds")))
    if isinstance(raw, dict) and raw.keys() == {"once_per"}:
        field = notes.at("once_per").text(raw["once_per"], longest=LONGEST_KEY)
        unknown_field(event, field, notes.at("once_per"))
        return ReEntry("once_per", field=field)
    notes.say('Must be “never”, “after_exit”, {"after_seconds": a number} or {"once_per": a field of the entry}.')
    return ReEntry()


def _of_event(raw: dict[str, Any], notes: Notes) -> Entry:
    happening = happenings.of_event(raw, notes)
    return Entry("event", happening.event, happening)


def _of_segment(raw: dict[str, Any], notes: Notes) -> Entry:
    # Staff who change a segment mean its next members, not a burst of messages to all who match it today.
    happening = happenings.of_segment(raw, notes, counts_rebuilds=False)
    return Entry("segment", happening.segment or "", happening)


def _of_date(raw: dict[str, Any], notes: Notes) -> Entry:
    trait = notes.at("date").text(raw["date"], longest=100)
    at = clock(raw["at"], notes.at("at")) if "at" in raw else None
    days = raw.get("days_before", 0)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MOST_DAYS_BEFORE:
        notes.at("days_before").say(f"Must be a whole number of days, 0 to {MOST_DAYS_BEFORE}.")
        days = 0

    def concerns(payload: Payload) -> bool:
        return payload.get("trait") == trait and payload.get("days_before", 0) == days

    return Entry("date", trait, Happening(DATE_REACHED, concerns), at=at, days_before=days)


def _of_door(raw: dict[str, Any], notes: Notes) -> Entry:
    slug = raw["door"]
    if not isinstance(slug, str) or not SLUG.match(slug):
        notes.at("door").say("Must be the name of a door: 2 to 50 small letters, digits and hyphens, no hyphen first.")
        slug = ""
    return Entry("door", slug, Happening(ENTRY_REQUESTED, lambda payload: payload.get("slug") == slug))


_PARSERS = {"event": _of_event, "segment": _of_segment, "date": _of_date, "door": _of_door}


def _seconds(raw: Any, notes: Notes) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= LONGEST_INTERVAL_SECONDS:
        return raw
    notes.say("Must be a whole number of seconds, at most 400 days.")
    return 1


def _never(_: Payload) -> bool:
    return False
