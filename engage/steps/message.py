"""message: say something to the customer over the first of the named channels that reaches them.

    {"kind": "message", "channel": ["push", "sms"], "purpose": "marketing",
     "template": {"title": "For you", "body": "Your code: {{ voucher.code }}"}, "next": "wait"}

The wording stands in the step, or is a saved one by its id ("template_id"), whose newest version is sent. In the step
it is one text for all channels, or one for each channel and language as `engage.templates.wording` has it; of the
first kind `template.whatsapp` may hold a template approved by the provider, {"content_sid": "HX…",
"content_variables": {"1": "{{ voucher.code }}"}}, since WhatsApp takes free text only within 24 hours after the
customer wrote.

    "quiet"  in the customer's quiet hours: "hold" until they are over (as if left out), "skip", or "pass" them
    "at"     "now" (as if left out), a time of day on the customer's own clock, such as "09:00", or "habit": the hour at
             which this customer looks most (at once, where too little is known of them)
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from core.notes import Notes
from engage.consents.models import CHANNELS, PURPOSES
from engage.steps.base import Branch, Go, Move, Run, Where
from engage.steps.clock import clock, zone_of
from engage.steps.setting import Setting
from engage.steps.wait_until import WaitUntil
from engage.templates import variables, wording
from engage.templates.wording import Wording

QUIET = ("hold", "skip", "pass")
INBOX = "inbox"

_MEMBERS = frozenset(("kind", "channel", "purpose", "template", "template_id", "quiet", "at", "next"))


@dataclass(frozen=True)
class SendMessage:
    """wording: what stands in the step; else template_id, of a saved one

    quiet  what becomes of it in quiet hours
    at     at which of the customer's hours it leaves; None: at once, or (by_habit) at the one at which they look
    """

    channels: tuple[str, ...]
    purpose: str
    wording: Wording | None
    next: Branch
    template_id: UUID | None = None
    quiet: str = "hold"
    at: time | None = None
    by_habit: bool = False
    kind: str = "message"
    gives_voucher_on: str | None = None
    pauses: bool = False

    @property
    def says_voucher(self) -> bool:
        """Whether its own wording names a voucher; what a saved one says is known where it is looked up."""
        return self.wording is not None and self.wording.says_voucher

    @property
    def needs_voucher(self) -> str | None:
        return "names a voucher in its template" if self.says_voucher else None

    @property
    def branches(self) -> dict[str, Branch]:
        return {"next": self.next}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        # Whether and how it goes out is decided for all messages of a batch together, and never bends the walk.
        is_left_out = where.is_held_out and not (where.arm == "control" and self.purpose != "marketing")
        run.outcome = "held_out" if is_left_out else "planned"
        return Go(self.next)

    def due_at(self, zone: str | None, *, now: datetime, habit: int | None = None) -> datetime | None:
        """When it is to leave: the next time that the customer's clock strikes the hour; None: at once.

        habit  the hour of their own day at which this customer looks, if it is known
        """
        if self.by_habit and habit is not None:
            is_now = now.astimezone(zone_of(zone)).hour == habit
            return None if is_now else WaitUntil(at=time(habit), next=None).until(zone, now=now)
        return None if self.at is None else WaitUntil(at=self.at, next=None).until(zone, now=now)


def parse_message(raw: dict[str, Any], notes: Notes, setting: Setting) -> SendMessage:
    if setting.purpose is not None:
        raw = {"purpose": setting.purpose, **raw}
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("channel", "purpose")))
    channels = _channels(raw.get("channel"), notes.at("channel"))
    if raw.get("purpose") not in PURPOSES:
        notes.at("purpose").say(f"Must be one of: {', '.join(PURPOSES)}.")
    if raw.get("quiet", "hold") not in QUIET:
        notes.at("quiet").say(f"What becomes of it in quiet hours: {', '.join(QUIET)}.")
    at = raw.get("at", "now")
    return SendMessage(
        channels=channels,
        purpose=raw.get("purpose", ""),
        wording=_wording(raw, notes, setting, channels=channels),
        next=raw.get("next"),
        template_id=_template_id(raw, notes),
        quiet=raw.get("quiet", "hold"),
        at=None if at in ("now", "habit") else clock(at, notes.at("at")),
        by_habit=at == "habit",
    )


def _channels(raw: Any, notes: Notes) -> tuple[str, ...]:
    given = [raw] if isinstance(raw, str) else raw
    known = (*CHANNELS, INBOX)
    if isinstance(given, list) and given and all(name in known for name in given) and len(set(given)) == len(given):
        return tuple(given)
    notes.say(f"Must be a channel, or a list of them in the order to try: {', '.join(known)}.")
    return ()


def _wording(raw: dict[str, Any], notes: Notes, setting: Setting, *, channels: tuple[str, ...]) -> Wording | None:
    if "template_id" in raw and "template" not in raw:
        return None
    given, here, says = raw.get("template"), notes.at("template"), variables.of_event(setting.event)
    if "template_id" in raw:
        here.say("Say either “template” or “template_id”, not both.")
    if "template" not in raw:
        here.say("Is missing. Say what the message says here, or name a saved template by “template_id”.")
        return None
    return wording.either(given, here, says, channels=channels)


def _template_id(raw: dict[str, Any], notes: Notes) -> UUID | None:
    if "template_id" not in raw:
        return None
    try:
        return UUID(raw["template_id"])
    except (TypeError, ValueError, AttributeError):
        notes.at("template_id").say("Must be the id of a saved template.")
        return None
