"""Hints: what the author of a journey may have meant by a name that is not known."""

import difflib
from collections.abc import Collection
from datetime import timedelta

from core.events.named import fields_of
from core.notes import Notes


def unknown(given: str, known: Collection[str], what: str) -> str:
    """“There is no step “wiat”. Did you mean “wait”?”, with all that is known where it is short."""
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    told = f"There is no {what} “{given}”."
    if close:
        return f"{told} Did you mean “{close[0]}”?"
    return f"{told} There is: {', '.join(sorted(known))}." if 0 < len(known) <= 20 else told


def unknown_field(event: str | None, field: str, notes: Notes) -> None:
    """Note a field that an event of ours does not have."""
    known = fields_of(event)
    first = field.split(".", maxsplit=1)[0]
    if field and known is not None and first not in known:
        close = difflib.get_close_matches(first, known, n=1, cutoff=0.6)
        meant = f" Did you mean “{close[0]}”?" if close else ""
        notes.say(f"“{event}” has no field “{first}”.{meant} It has: {', '.join(sorted(known))}.")


def length(time: timedelta) -> str:
    """A length of time as people say it: “3 days”, “1 hour 30 minutes”."""
    left = int(time.total_seconds())
    parts = []
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(parts[:2]) or "no time"
