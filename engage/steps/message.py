"""message: say something to the customer over the first of the named channels that reaches them.

    {"kind": "message", "channel": ["push", "sms"], "purpose": "marketing",
     "template": {"title": "For you", "body": "Your code: {{ voucher.code }}"}, "next": "wait"}

WhatsApp takes free text only within 24 hours after the customer wrote: a template approved by the provider goes in
`template.whatsapp` as {"content_sid": "HX…", "content_variables": {"1": "{{ voucher.code }}"}}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.notes import Notes
from engage.consents.models import CHANNELS, PURPOSES
from engage.steps.base import Branch, Go, Move, Run, Where
from engage.templates import liquid as templates
from engage.templates.liquid import LONGEST_SOURCE, TemplateFailed

_MEMBERS = frozenset(("kind", "channel", "purpose", "template", "next"))
_TEMPLATE_MEMBERS = frozenset(("title", "body", "whatsapp"))
_APPROVED_MEMBERS = frozenset(("content_sid", "content_variables"))


@dataclass(frozen=True)
class Wording:
    """Liquid sources. content_sid and variables: the approved template that WhatsApp sends instead of the body."""

    title: str | None
    body: str
    content_sid: str | None
    content_variables: Mapping[str, str]

    def sources(self) -> list[str]:
        return [self.title or "", self.body, *self.content_variables.values()]


@dataclass(frozen=True)
class SendMessage:
    channels: tuple[str, ...]
    purpose: str
    wording: Wording
    says_voucher: bool
    next: Branch
    kind: str = "message"
    gives_voucher_on: str | None = None
    pauses: bool = False

    @property
    def needs_voucher(self) -> str | None:
        return "names a voucher in its template" if self.says_voucher else None

    @property
    def branches(self) -> dict[str, Branch]:
        return {"next": self.next}

    def enter(self, where: Where, run: Run, *, now: datetime) -> Move:
        # Whether and how it goes out is decided for all messages of a batch together, and never bends the walk.
        run.outcome = "held_out" if where.is_held_out else "planned"
        return Go(self.next)


def parse_message(raw: dict[str, Any], notes: Notes) -> SendMessage:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("channel", "purpose", "template")))
    channels = _channels(raw.get("channel"), notes.at("channel"))
    if raw.get("purpose") not in PURPOSES:
        notes.at("purpose").say(f"Must be one of: {', '.join(PURPOSES)}.")
    wording = _wording(raw.get("template"), notes.at("template"), channels=channels)
    return SendMessage(
        channels=channels,
        purpose=raw.get("purpose", ""),
        wording=wording,
        says_voucher=any(name.startswith("voucher.") for source in wording.sources() for name in _variables(source)),
        next=raw.get("next"),
    )


def _channels(raw: Any, notes: Notes) -> tuple[str, ...]:
    given = [raw] if isinstance(raw, str) else raw
    if isinstance(given, list) and given and all(name in CHANNELS for name in given) and len(set(given)) == len(given):
        return tuple(given)
    notes.say(f"Must be a channel, or a list of them in the order to try: {', '.join(CHANNELS)}.")
    return ()


def _wording(raw: Any, notes: Notes, *, channels: tuple[str, ...]) -> Wording:
    given = notes.object_(raw, allowed=_TEMPLATE_MEMBERS, required=frozenset(("body",)))
    approved = given.get("whatsapp") or {}
    if approved:
        notes.at("whatsapp").object_(approved, allowed=_APPROVED_MEMBERS, required=frozenset(("content_sid",)))
    if "push" in channels and "title" not in given:
        notes.at("title").say("A push notification needs a title.")
    return Wording(
        title=_source(given["title"], notes.at("title")) if "title" in given else None,
        body=_source(given["body"], notes.at("body")) if "body" in given else "",
        content_sid=_content_sid(approved, notes.at("whatsapp")),
        content_variables=_content_variables(approved, notes.at("whatsapp")),
    )


def _content_sid(approved: Any, notes: Notes) -> str | None:
    if not isinstance(approved, dict) or "content_sid" not in approved:
        return None
    return notes.at("content_sid").text(approved["content_sid"], longest=64) or None


def _content_variables(approved: Any, notes: Notes) -> dict[str, str]:
    given = approved.get("content_variables", {}) if isinstance(approved, dict) else {}
    if not isinstance(given, dict):
        notes.at("content_variables").say("Must be an object of texts.")
        return {}
    return {name: _source(text, notes.at("content_variables").at(name)) for name, text in given.items()}


def _source(raw: Any, notes: Notes) -> str:
    source = notes.text(raw, longest=LONGEST_SOURCE)
    try:
        unknown = sorted(name for name in templates.variables_of(source) if not templates.is_known(name))
        if unknown:
            notes.say(f"The template does not know {', '.join(unknown)}. It knows: {templates.known()}.")
        elif source:
            templates.render(source, templates.VARIABLES)
    except TemplateFailed as error:
        notes.say(f"The template cannot be rendered: {error}.")
    return source


def _variables(source: str) -> set[str]:
    try:
        return templates.variables_of(source)
    except TemplateFailed:
        return set()
