"""wait: stand still until something happens, and at the latest until the time-out.

    {"kind": "wait", "for_event": "voucher.redeemed", "timeout_seconds": 604800, "on_event": "thank",
     "on_timeout": "remind"}

`voucher.redeemed` means the voucher that this journey issued last, redeemed before or during the wait. Any other event
counts from the moment the step is entered, or `look_back_seconds` before it; with `same_key` only one that belongs to
the very thing that the customer entered for. Without `for_event` it is a plain delay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.conditions import Payload
from core.events.named import VOUCHER_REDEEMED, parse_event, parse_where
from core.notes import Notes
from engage.steps.base import Branch, Go, Move, Pause, Run, Where
from engage.steps.happenings import Happening, same_key_of
from engage.steps.numbers import seconds

LONGEST_SECONDS = 400 * 24 * 3600
LONGEST_LOOK_BACK_SECONDS = 90 * 24 * 3600

_OF_EVENT = ("where", "on_event", "look_back_seconds", "same_key")
_MEMBERS = frozenset(("kind", "for_event", "timeout_seconds", "on_timeout", *_OF_EVENT))


@dataclass(frozen=True)
class Wait:
    """happening: what ends it before its time-out; None for a plain delay

    look_back  how long before the step was entered it may have happened
    """

    happening: Happening | None
    timeout: timedelta
    on_event: Branch
    on_timeout: Branch
    look_back: timedelta = timedelta(0)
    kind: str = "wait"
    gives_voucher_on: str | None = None
    pauses: bool = True

    @property
    def for_event(self) -> str | None:
        return self.happening.event if self.happening else None

    @property
    def needs_voucher(self) -> str | None:
        return "waits for a voucher to be redeemed" if self.for_event == VOUCHER_REDEEMED else None

    @property
    def branches(self) -> dict[str, Branch]:
        return {"on_event": self.on_event, "on_timeout": self.on_timeout}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        if self.for_event == VOUCHER_REDEEMED and where.voucher_redeemed_at is not None:
            run.outcome = "event"
            run.because("redeemed_before", "The voucher had been redeemed before this wait began.")
            return Go(self.on_event)
        run.outcome = "waiting"
        return Pause(now + self.timeout, self.for_event)

    def is_ended_by(
        self, name: str, payload: Payload, *, at: datetime, since: datetime, until: datetime, entry_key: str = ""
    ) -> bool:
        """Whether an event of this customer ends the wait: it happened in time and is one that counts.

        since, until  when the step was entered, and its time-out
        """
        if self.happening is None or at > until or not self.happening.counts(name, payload, entry_key=entry_key):
            return False
        return name == VOUCHER_REDEEMED or at >= since - self.look_back


def parse_wait(raw: dict[str, Any], notes: Notes) -> Wait:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("timeout_seconds",)))
    event = parse_event(raw["for_event"], notes.at("for_event")) if raw.get("for_event") is not None else None
    stray = [member for member in _OF_EVENT if raw.get(member) is not None or (member == "where" and member in raw)]
    if event is None and stray:
        left_out = " and ".join(f"“{member}”" for member in stray)
        notes.at("for_event").say(f"Say which event the wait is for, or leave {left_out} out.")
    look_back = raw.get("look_back_seconds")
    return Wait(
        happening=None if event is None else _happening(raw, notes, event=event),
        timeout=seconds(raw.get("timeout_seconds", 1), notes.at("timeout_seconds"), longest=LONGEST_SECONDS),
        on_event=raw.get("on_event"),
        on_timeout=raw.get("on_timeout"),
        look_back=timedelta(0)
        if look_back is None
        else seconds(look_back, notes.at("look_back_seconds"), longest=LONGEST_LOOK_BACK_SECONDS),
    )


def _happening(raw: dict[str, Any], notes: Notes, *, event: str) -> Happening:
    return Happening(
        event=event,
        where=parse_where(raw.get("where"), notes.at("where"), event=event),
        same_key=same_key_of(raw, notes, event=event),
    )
