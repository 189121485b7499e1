"""Goals and exits: what a journey is for, and what ends it at once wherever the customer stands.

"goal": {"event": "order.completed", "where": {…}, "within_seconds": 259200}
"exit_when": [{"event": "order.completed"}, {"segment": "lapsed", "on": "left"}]
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.notes import Notes
from engage.steps import happenings
from engage.steps.happenings import Happening

#: Three days unless the author says otherwise, and a month at most: what comes later has other causes.
_WITHIN_SECONDS = 3 * 24 * 3600
LONGEST_WITHIN_SECONDS = 30 * 24 * 3600

_MOST_EXITS = 10

_EVENT_MEMBERS = frozenset(("event", "where", "same_key"))
_SEGMENT_MEMBERS = frozenset(("segment", "on"))


@dataclass(frozen=True)
class Goal:
    """within: after the entry"""

    happening: Happening
    within: timedelta


def parse_goal(raw: Any, notes: Notes) -> Goal | None:
    if raw is None:
        return None
    given = notes.object_(raw, allowed=_EVENT_MEMBERS | {"within_seconds"}, required=frozenset(("event",)))
    seconds = given.get("within_seconds", _WITHIN_SECONDS)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= LONGEST_WITHIN_SECONDS:
        notes.at("within_seconds").say("Must be a whole number of seconds, at most 30 days (2592000).")
        seconds = _WITHIN_SECONDS
    return Goal(happenings.of_event(given, notes), timedelta(seconds=seconds))


def parse_exits(raw: Any, notes: Notes) -> tuple[Happening, ...]:
    if not isinstance(raw, list) or len(raw) > _MOST_EXITS:
        notes.say(f"Must be a list of at most {_MOST_EXITS} events or segments that end the journey.")
        return ()
    return tuple(_exit(one, notes.at(position)) for position, one in enumerate(raw))


def _exit(raw: Any, notes: Notes) -> Happening:
    if isinstance(raw, dict) and "segment" in raw:
        notes.object_(raw, allowed=_SEGMENT_MEMBERS)
        # Whoever left counts as gone, also where staff changed what the segment asks for.
        return happenings.of_segment(raw, notes, counts_rebuilds=True)
    given = notes.object_(raw, allowed=_EVENT_MEMBERS, required=frozenset(("event",)))
    return happenings.of_event(given, notes)
