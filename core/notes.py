"""Faults found in a document, each with where it stands, gathered so that its author sees them all at once."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Notes:
    """A place in the document and the one list that all its places share."""

    pointer: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)

    def at(self, part: str | int) -> "Notes":
        """The place one member further in (RFC 6901)."""
        escaped = str(part).replace("~", "~0").replace("/", "~1")
        return Notes(f"{self.pointer}/{escaped}", self.errors)

    def say(self, detail: str) -> None:
        self.errors.append({"pointer": self.pointer, "detail": detail})

    def object_(self, raw: Any, *, allowed: frozenset[str], required: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The raw object when it is one; members it must not have or lacks are noted."""
        if not isinstance(raw, dict):
            self.say("Must be an object.")
            return {}
        for name in raw.keys() - allowed:
            self.at(name).say(f"Is not known here. Known: {', '.join(sorted(allowed))}.")
        for name in required - raw.keys():
            self.at(name).say("Is missing.")
        return raw

    def text(self, raw: Any, *, longest: int) -> str:
        if isinstance(raw, str) and len(raw.strip()) > 0 and len(raw) <= longest:
            return raw
        self.say(f"Must be text of 1 to {longest} characters.")
        return ""
