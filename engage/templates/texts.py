"""One text of a wording: what a channel says in one language, as Liquid sources parsed and tried."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.notes import Notes
from engage.templates import liquid, locales, tracking, variables
from engage.templates.liquid import LONGEST_HTML, LONGEST_SOURCE, Template, TemplateFailed
from engage.templates.variables import Variables

MOST_ACTIONS = 3
MOST_CONTENT_VARIABLES = 100
LONGEST_TITLE = 200
#: So many addresses of a wording's texts become short links; each is a row for every customer who is written to.
MOST_FOUND = 40

#: Variables and tags of all texts together: a parser and a trial take about 100 µs for each.
MOST_MARKS = 3_000

_COMMON = frozenset(("title", "body"))
_RICH = frozenset(("image", "actions", "deep_link"))
_APPROVED = frozenset(("content_sid", "content_variables"))
#: What a text of each channel may hold. Every one has a body: it is what the app's inbox shows.
MEMBERS = {
    "any": _COMMON | _RICH,
    "push": _COMMON | _RICH,
    "inbox": _COMMON | _RICH,
    "sms": frozenset(("body",)),
    "whatsapp": frozenset(("body",)) | _APPROVED,
    "email": frozenset(("subject", "body", "html")),
}
REQUIRED = {"push": frozenset(("title", "body")), "email": frozenset(("subject", "body"))}

_ACTION_MEMBERS = frozenset(("id", "title", "link"))
_ACTION_ID = re.compile(r"[a-z0-9_]{1,40}\Z")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
#: They run what they are given, or read what they should not.
_UNSAFE_SCHEMES = frozenset(("javascript:", "data:", "vbscript:", "file:", "blob:", "about:"))


@dataclass(frozen=True, slots=True)
class Action:
    """A button under a push; link: where it leads, None to open the app."""

    id: str
    title: Template
    link: Template | None


@dataclass(frozen=True, slots=True)
class Text:
    """Parsed sources. content_sid and content_variables: the approved template that WhatsApp sends instead of the body.

    says  every variable that any of its sources names
    """

    body: Template
    title: Template | None = None
    subject: Template | None = None
    html: Template | None = None
    image: Template | None = None
    deep_link: Template | None = None
    actions: tuple[Action, ...] = ()
    content_sid: str | None = None
    content_variables: Mapping[str, Template] = field(default_factory=dict)
    says: frozenset[str] = frozenset()


@dataclass(slots=True)
class Reader:
    """Reads the texts of one wording. links: its own by name, to which addresses found in the texts are added."""

    says: Variables
    links: dict[str, str]
    _found: dict[str, str] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _marks: int = 0

    def read(self, raw: Any, notes: Notes, *, channel: str, longest_title: int = LONGEST_TITLE) -> Text:
        """A channel's text in one language; faults go to `notes`."""
        self._said = set()
        given = notes.object_(raw, allowed=MEMBERS[channel], required=REQUIRED.get(channel, frozenset(("body",))))
        return Text(
            body=self._source(given.get("body", ""), notes.at("body"), is_wanted="body" in given),
            title=self._optional(given, "title", notes, longest=longest_title),
            subject=self._optional(given, "subject", notes, longest=LONGEST_TITLE),
            html=self._optional(given, "html", notes, longest=LONGEST_HTML, is_html=True),
            image=self._address(given, "image", notes, schemes=("https:",)),
            deep_link=self._address(given, "deep_link", notes),
            actions=self._actions(given.get("actions", []), notes.at("actions")),
            content_sid=_content_sid(given, notes),
            content_variables=self._content_variables(given, notes),
            says=frozenset(self._said),
        )

    def approved(self, text: Text, raw: Any, notes: Notes) -> Text:
        """A text as WhatsApp sends it: by an approved template {"content_sid", "content_variables"}."""
        self._said = set(text.says)
        given = notes.object_(raw, allowed=_APPROVED, required=frozenset(("content_sid",)))
        sid, filled = _content_sid(given, notes), self._content_variables(given, notes)
        return replace(text, content_sid=sid, content_variables=filled, says=frozenset(self._said))

    def _optional(
        self, given: dict[str, Any], member: str, notes: Notes, *, longest: int, is_html: bool = False
    ) -> Template | None:
        if member not in given:
            return None
        raw, here = given[member], notes.at(member)
        # Titles of two lines are sent as they are, and stand in journeys that were published before.
        if member == "subject" and isinstance(raw, str) and len(raw.splitlines()) > 1:
            here.say("Must be one line.")
        return self._source(raw, here, longest=longest, is_html=is_html)

    def _source(
        self,
        raw: Any,
        notes: Notes,
        *,
        longest: int = LONGEST_SOURCE,
        is_html: bool = False,
        is_wanted: bool = True,
        is_tracked: bool = True,
    ) -> Template:
        source = notes.text(raw, longest=longest) if is_wanted else ""
        self._marks += source.count("{{") + source.count("{%")
        if self._marks > MOST_MARKS:
            notes.say(f"All texts together may hold at most {MOST_MARKS} variables and tags.")
            return liquid.parse("")
        if is_tracked:
            source = (tracking.tracked_html if is_html else tracking.tracked)(source, self._name_of)
        try:
            template = liquid.parse(source, is_html=is_html)
        except TemplateFailed as error:
            notes.say(f"The template cannot be rendered: {error}.")
            return liquid.parse("")
        self._said |= template.says
        self._try(template, notes)
        return template

    def _try(self, template: Template, notes: Notes) -> None:
        unknown = self.says.unknown(template.says, links=self.links.keys() | self._found.values())
        if unknown:
            told = self.says.told(links=self.links.keys() - self._found.values())
            notes.say(f"The template does not know {', '.join(unknown)}. It knows: {told}.")
            return
        try:
            template.render({**variables.examples(template.says), liquid.TELLER: locales.teller(None, "UTC")})
        except TemplateFailed as error:
            notes.say(f"The template cannot be rendered: {error}.")

    def _name_of(self, address: str) -> str | None:
        if address not in self._found and len(self._found) >= MOST_FOUND:
            return None
        name = self._found.setdefault(address, f"_{len(self._found) + 1}")
        self.links[name] = address
        return name

    def _address(
        self, given: dict[str, Any], member: str, notes: Notes, *, schemes: tuple[str, ...] = ()
    ) -> Template | None:
        if member not in given:
            return None
        here = notes.at(member)
        found = _SCHEME.match(given[member]) if isinstance(given[member], str) else None
        scheme = found[0].lower() if found else ""
        if schemes and scheme not in schemes:
            here.say(f"Must be an address that begins with {' or '.join(f'{each}//' for each in schemes)}.")
        elif not scheme or scheme in _UNSAFE_SCHEMES:
            here.say("Must be an address with the scheme of an app or of the web, such as “brand://vouchers”.")
        return self._source(given[member], here, is_tracked=False)

    def _actions(self, raw: Any, notes: Notes) -> tuple[Action, ...]:
        if not isinstance(raw, list) or len(raw) > MOST_ACTIONS:
            notes.say(f"Must be a list of at most {MOST_ACTIONS} actions.")
            return ()
        return tuple(self._action(each, notes.at(at)) for at, each in enumerate(raw))

    def _action(self, raw: Any, notes: Notes) -> Action:
        given = notes.object_(raw, allowed=_ACTION_MEMBERS, required=frozenset(("id", "title")))
        action_id = given.get("id", "")
        if not isinstance(action_id, str) or not _ACTION_ID.match(action_id):
            notes.at("id").say("Must be 1 to 40 small letters, digits and underscores.")
        title = self._source(given.get("title", ""), notes.at("title"), longest=50, is_wanted="title" in given)
        return Action(str(action_id), title, self._address(given, "link", notes))

    def _content_variables(self, given: dict[str, Any], notes: Notes) -> dict[str, Template]:
        raw, here = given.get("content_variables", {}), notes.at("content_variables")
        if not isinstance(raw, dict) or len(raw) > MOST_CONTENT_VARIABLES:
            here.say(f"Must be an object of at most {MOST_CONTENT_VARIABLES} texts.")
            return {}
        return {str(name): self._source(text, here.at(name)) for name, text in raw.items()}


def _content_sid(given: dict[str, Any], notes: Notes) -> str | None:
    return notes.at("content_sid").text(given["content_sid"], longest=64) or None if "content_sid" in given else None


def rendered_or_none(template: Template | None, render: Callable[[Template], str]) -> str | None:
    return None if template is None else render(template)
