"""Wording: what a message says, for each channel and in each language.

    {"default_locale": "en",
     "links": {"shop": "https://shop.example/autumn"},
     "push": {"en": {"title": "For you", "body": "Your code: {{ voucher.code }}",
                     "image": "https://…", "deep_link": "brand://vouchers",
                     "actions": [{"id": "open", "title": "Show it", "link": "brand://vouchers"}]}},
     "sms": {"en": {"body": "Your code: {{ voucher.code }} {{ links.shop }}"}, "fr": {"body": "…"}},
     "whatsapp": {"en": {"body": "…", "content_sid": "HX…", "content_variables": {"1": "{{ voucher.code }}"}}},
     "email": {"en": {"subject": "For you", "body": "…", "html": "<p>…</p>"}}}

"any" stands for every channel that has no text of its own; "inbox" for what the app shows, which else is what was sent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.notes import Notes
from engage.templates import brand, locales
from engage.templates.liquid import LONGEST_SOURCE, Template
from engage.templates.locales import LOCALE
from engage.templates.texts import MEMBERS, Reader, Text, rendered_or_none
from engage.templates.tracking import is_address
from engage.templates.variables import LINKS, Variables

ANY_CHANNEL, INBOX = "any", "inbox"
CHANNELS = tuple(MEMBERS)
MOST_LOCALES, MOST_LINKS = 50, 20

_LINK_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class RenderedAction:
    id: str
    title: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with every variable filled in."""

    body: str
    title: str | None = None
    subject: str | None = None
    html: str | None = None
    image: str | None = None
    deep_link: str | None = None
    actions: tuple[RenderedAction, ...] = ()
    content_sid: str | None = None
    content_variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """links: where each link leads, by name, in a steady order; says: every variable that any text names."""

    texts: Mapping[str, Mapping[str, Text]]
    default_locale: str
    links: Mapping[str, str]
    says: frozenset[str]

    @property
    def says_voucher(self) -> bool:
        return any(name.startswith("voucher.") for name in self.says)

    def position_of(self, link: str) -> int:
        """Where a link stands among its wording's own, always the same for a version."""
        return sorted(self.links).index(link)

    def has(self, channel: str) -> bool:
        """Whether there is a text for a channel."""
        return channel in self.texts or ANY_CHANNEL in self.texts

    def text(self, channel: str, locale: str | None) -> Text | None:
        """The channel's text in the language nearest to a locale."""
        given = self.texts.get(channel) or self.texts.get(ANY_CHANNEL)
        if not given:
            return None
        if len(given) == 1:
            return next(iter(given.values()))
        found = locales.nearest(locale, given.keys(), last=(brand.locale(), self.default_locale))
        return given[found or self.default_locale]

    def inbox_text(self, sent_by: str, locale: str | None) -> Text | None:
        """What the app's inbox shows of a message that was sent by a channel."""
        return self.text(INBOX, locale) if INBOX in self.texts else self.text(sent_by, locale)

    def render(self, channel: str, locale: str | None, context: Mapping[str, Any]) -> Rendered:
        """The channel's text, filled in.

        raises  TemplateFailed when it says what the context does not hold; KeyError without a text for the channel
        """
        text = self.text(channel, locale)
        if text is None:
            raise KeyError(channel)
        return render(text, context)


def render(text: Text, context: Mapping[str, Any]) -> Rendered:
    """A text, filled in.

    raises  TemplateFailed
    """

    def filled(template: Template) -> str:
        return template.render(context)

    return Rendered(
        body=filled(text.body),
        title=rendered_or_none(text.title, filled),
        subject=rendered_or_none(text.subject, filled),
        html=rendered_or_none(text.html, filled),
        image=rendered_or_none(text.image, filled),
        deep_link=rendered_or_none(text.deep_link, filled),
        actions=tuple(
            RenderedAction(action.id, filled(action.title), rendered_or_none(action.link, filled))
            for action in text.actions
        ),
        content_sid=text.content_sid,
        content_variables={name: filled(source) for name, source in text.content_variables.items()},
    )


def parse(raw: Any, notes: Notes, says: Variables) -> Wording:
    """A wording of channels and locales; faults go to `notes`.

    says  what the trigger gives: a text that says more is at fault
    """
    given = notes.object_(
        raw, allowed=frozenset((*CHANNELS, "default_locale", "links")), required=frozenset(("default_locale",))
    )
    default = given.get("default_locale", "")
    if not isinstance(default, str) or not LOCALE.match(default):
        default = ""
        if "default_locale" in given:
            notes.at("default_locale").say("Must be a locale such as “en” or “fr-CA”.")
    reader = Reader(says, _links(given.get("links", {}), notes.at("links")))
    texts = {
        channel: _texts(given[channel], notes.at(channel), channel=channel, default=default, reader=reader)
        for channel in CHANNELS
        if channel in given
    }
    if isinstance(raw, dict) and not texts:
        notes.say(f"Say something by one channel at least: {', '.join(CHANNELS)}.")
    return _made(texts, default, reader)


def either(raw: Any, notes: Notes, says: Variables, *, channels: Sequence[str]) -> Wording:
    """What a step or a broadcast says in its own words: one text for all ({"title", "body"}), or one by channel and
    language as in a saved template ({"default_locale", …}). Faults go to `notes`."""
    if not isinstance(raw, dict) or "default_locale" not in raw:
        return inline(raw, notes, says, channels=channels)
    said = parse(raw, notes, says)
    for channel in channels:
        if channel != INBOX and not said.has(channel):
            notes.say(f"Has no text for {channel}.")
    return said


def inline(raw: Any, notes: Notes, says: Variables, *, channels: Sequence[str] = ()) -> Wording:
    """The wording that stands in a step itself: {"title", "body", "whatsapp": {…}}, one text for all.

    channels  by which it is sent: a push needs a title
    """
    given = notes.object_(raw, allowed=frozenset(("title", "body", "whatsapp")), required=frozenset(("body",)))
    if "push" in channels and "title" not in given and isinstance(raw, dict):
        notes.at("title").say("A push notification needs a title.")
    if "email" in channels and "title" not in given and isinstance(raw, dict):
        notes.at("title").say("An e-mail needs a title: it is its subject.")
    reader = Reader(says, {})
    if not isinstance(raw, dict) or "body" not in given:
        return _made({}, "", reader)
    plain = {name: given[name] for name in ("title", "body") if name in given}
    # Versions of the first release, which never change, may have titles of this length.
    text = reader.read(plain, notes, channel=ANY_CHANNEL, longest_title=LONGEST_SOURCE)
    texts: dict[str, dict[str, Text]] = {ANY_CHANNEL: {"": text}}
    if given.get("whatsapp"):
        texts["whatsapp"] = {"": reader.approved(text, given["whatsapp"], notes.at("whatsapp"))}
    return _made(texts, "", reader)


def _made(texts: dict[str, dict[str, Text]], default: str, reader: Reader) -> Wording:
    says = frozenset(name for given in texts.values() for text in given.values() for name in text.says)
    return Wording(texts, default, reader.links, says)


def _texts(raw: Any, notes: Notes, *, channel: str, default: str, reader: Reader) -> dict[str, Text]:
    if not isinstance(raw, dict) or not 1 <= len(raw) <= MOST_LOCALES:
        notes.say(f"Must be an object of 1 to {MOST_LOCALES} texts by locale.")
        return {}
    texts = {}
    for locale, text in raw.items():
        if not LOCALE.match(locale):
            notes.at(locale).say("Must be a locale such as “en” or “fr-CA”.")
        else:
            texts[locale] = reader.read(text, notes.at(locale), channel=channel)
    if default and default not in raw:
        notes.at(default).say("The default locale has no text here.")
    return texts


def _links(raw: Any, notes: Notes) -> dict[str, str]:
    if not isinstance(raw, dict) or len(raw) > MOST_LINKS:
        notes.say(f"Must be an object of at most {MOST_LINKS} addresses by name.")
        return {}
    links = {}
    for name, address in raw.items():
        here = notes.at(name)
        if not _LINK_NAME.match(name) or name in LINKS:
            here.say(
                f"Must be 1 to 40 small letters, digits and underscores, a letter first, and not {', '.join(LINKS)}."
            )
        elif not is_address(address):
            here.say("Must be an address that begins with https:// and holds no blanks.")
        else:
            links[name] = address
    return links
