"""wait: stand still until something happens, and at the latest until the time-out.

    {"kind": "wait", "for_event": "voucher.redeemed", "timeout_seconds": 604800, "on_event": "thank",
     "on_timeout": "remind"}

`voucher.redeemed` means the voucher that this journey issued last, redeemed before or during the wait. Any other event
counts from the moment the step is entered. Without `for_event` it is a plain delay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.conditions import Payload, Predicate
from core.events.named import VOUCHER_REDEEMED, parse_event, parse_where
from core.notes import Notes
from engage.steps.base import Branch, Go, Move, Pause, Run, Where

LONGEST_SECONDS = 400 * 24 * 3600

_MEMBERS = frozenset(("kind", "for_event", "where", "timeout_seconds", "on_event", "on_timeout"))


@dataclass(frozen=True)
class Wait:
    """where: which of the awaited events count."""

    for_event: str | None
    where: Predicate
    timeout: timedelta
    on_event: Branch
    on_timeout: Branch
    kind: str = "wait"
    gives_voucher_on: str | None = None
    pauses: bool = True

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

    def is_ended_by(self, name: str, payload: Payload, *, at: datetime, since: datetime, until: datetime) -> bool:
        """Whether an event of this customer ends the wait: it happened in time and is one that counts."""
        if name != self.for_event or at > until or not self.where(payload):
            return False
        return name == VOUCHER_REDEEMED or at >= since


def parse_wait(raw: dict[str, Any], notes: Notes) -> Wait:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("timeout_seconds",)))
    event = parse_event(raw["for_event"], notes.at("for_event")) if raw.get("for_event") is not None else None
    if event is None and (raw.get("on_event") is not None or "where" in raw):
        notes.at("for_event").say("Say which event the wait is for, or leave “on_event” and “where” out.")
    return Wait(
        for_event=event,
        where=parse_where(raw.get("where"), notes.at("where"), event=event),
        timeout=_timeout(raw, notes),
        on_event=raw.get("on_event"),
        on_timeout=raw.get("on_timeout"),
    )


def _timeout(raw: dict[str, Any], notes: Notes) -> timedelta:
    seconds = raw.get("timeout_seconds")
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 1 <= seconds <= LONGEST_SECONDS:
        return timedelta(seconds=seconds)
    if "timeout_seconds" in raw:
        notes.at("timeout_seconds").say("Must be a whole number of seconds, at most 400 days.")
    return timedelta(seconds=1)
