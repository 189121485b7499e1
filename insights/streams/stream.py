"""What a stream counts."""

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from core.conditions import compile_condition, values_at
from core.events import LoggedEvent
from core.events.named import fields_of
from core.money import MAX_AMOUNT_MINOR
from core.notes import Notes

#: Events of other systems that have no name of ours are told apart by their own.
TRACKED = "outside.track"
LONGEST_NAME = 200

#: What follows from being counted is not counted itself.
_OURS = ("segment.", "date.", "profile.")

Matches = Callable[[Mapping[str, Any]], bool]


class Stream(NamedTuple):
    """named: the other system's name of the event, where event is TRACKED
    condition   on the payload, as canonical JSON; "" for every such event
    field       of the payload, dotted, whose numbers are summed; "" for none
    """

    event: str
    named: str = ""
    condition: str = ""
    field: str = ""

    @property
    def fingerprint(self) -> bytes:
        told = "\x1f".join((self.event, self.named, self.field, self.condition))
        return hashlib.sha256(told.encode()).digest()

    @property
    def is_plain(self) -> bool:
        """Whether it is counted without being asked for."""
        return not self.condition and not self.field and (self.event != TRACKED or self.named != "")

    def is_name_of(self, event: LoggedEvent) -> bool:
        """Whether an event is of this name: of another system's only so much is kept as names a stream."""
        return event.name == self.event and (not self.named or _named(event) == self.named)

    def matcher(self) -> Matches | None:
        """What decides which payloads count; None where all of its name do."""
        if not self.condition:
            return None
        return compile_condition(json.loads(self.condition), Notes(), fields=fields_of(self.event))


def plain_of(event: LoggedEvent) -> Stream | None:
    """The stream that an event is counted under by its name; None for what is not counted."""
    if event.customer_id is None or event.name.startswith(_OURS):
        return None
    if event.name != TRACKED:
        return Stream(event.name)
    named = _named(event)
    return Stream(TRACKED, named=named) if named else None


def _named(event: LoggedEvent) -> str:
    named = event.payload.get("event")
    return named[:LONGEST_NAME] if isinstance(named, str) else ""


def canonical(condition: Any) -> str:
    """A condition as text that is the same for the same condition."""
    return json.dumps(condition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def amount_at(payload: Mapping[str, Any], field: str) -> Decimal:
    """The sum of the numbers that a field reaches; whatever else is there counts for nothing."""
    total = Decimal(0)
    for value in values_at(payload, field.split(".")):
        # A float is read by its shortest text: 0.1 is a tenth.
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_AMOUNT_MINOR:
            total += Decimal(str(value))
    return total
