"""Numbers in a step: whole ones within bounds, and what stands in their place where they are not."""

from datetime import timedelta
from typing import Any

from core.notes import Notes


def whole(raw: Any, notes: Notes, *, least: int, most: int, what: str) -> int:
    """A whole number, told as `what` ("a whole number of days") where it is none; then the least."""
    if isinstance(raw, int) and not isinstance(raw, bool) and least <= raw <= most:
        return raw
    notes.say(f"Must be {what}, {least} to {most}.")
    return least


def seconds(raw: Any, notes: Notes, *, longest: int) -> timedelta:
    """A length of time of at least a second."""
    if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= longest:
        return timedelta(seconds=raw)
    notes.say(f"Must be a whole number of seconds, at most {longest // 86_400} days ({longest}).")
    return timedelta(seconds=1)
