"""Variables: what a template may say, as far as it is known before anything happens.

event.*      the fields of the event that led here (of one from outside: any)
customer.*   locale, first_order_days
traits.*     what is known of the customer, never what tells who they are
voucher.*    code, link, qr, expires, worth
links.*      the wording's own links, each told as a short one; preferences and unsubscribe are always there
brand.*      name
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from core.events.named import fields_of
from engage.templates.liquid import Example

CUSTOMER = ("locale", "first_order_days")
VOUCHER = ("code", "link", "qr", "expires", "worth")
BRAND = ("name",)
#: Links that every wording has: to what the customer allows, and one click that takes the channel's consent back.
PREFERENCES, UNSUBSCRIBE = "preferences", "unsubscribe"
LINKS = (PREFERENCES, UNSUBSCRIBE)

_FIXED = {"customer": CUSTOMER, "voucher": VOUCHER, "brand": BRAND}


@dataclass(frozen=True, slots=True)
class Variables:
    """What a trigger gives. event: its name, None where there is none; fields: of its payload, None for any."""

    event: str | None
    fields: frozenset[str] | None

    def unknown(self, says: Collection[str], *, links: Collection[str]) -> list[str]:
        """Of what a template says, what it cannot know."""
        return sorted(name for name in says if not self._knows(name.split("."), links))

    def told(self, *, links: Collection[str]) -> str:
        """What there is, in a line."""
        of_event = ["event.…"] if self.fields is None else [f"event.{name}" for name in sorted(self.fields)]
        fixed = [f"{root}.{member}" for root, members in _FIXED.items() for member in members]
        return ", ".join((*fixed, *of_event, "traits.…", *(f"links.{name}" for name in (*LINKS, *sorted(links)))))

    def _knows(self, path: list[str], links: Collection[str]) -> bool:
        root, member = path[0], path[1] if len(path) > 1 else ""
        if root in _FIXED:
            return len(path) == 2 and member in _FIXED[root]
        if root == "links":
            return len(path) == 2 and (member in LINKS or member in links)
        if root == "traits":
            return len(path) >= 2
        return root == "event" and member != "" and (self.fields is None or member in self.fields)


#: Where the trigger is not known yet, as for a template that is saved by itself.
ANY = Variables(None, None)
#: Where no event leads to the message, as in a broadcast.
NO_EVENT = Variables(None, frozenset())


def of_event(name: str) -> Variables:
    """What an event gives: its declared fields; an event from outside may have any."""
    return Variables(name, fields_of(name))


def examples(says: Collection[str]) -> dict[str, Any]:
    """A context that holds an example of everything that is said, to try a template with."""
    context: dict[str, Any] = {"event": {}, "traits": {}, "links": {}}
    for root, members in _FIXED.items():
        context[root] = {member: _EXAMPLES[f"{root}.{member}"] for member in members}
    for path in _paths(says):
        here = context
        for member in path[:-1]:
            here = here.setdefault(_key(member), {})
        here.setdefault(_key(path[-1]), _EXAMPLES.get(path[0], Example("example")))
    return context


def _key(member: str) -> Any:
    # The first of a list is asked for by number.
    return int(member) if member.isascii() and member.isdigit() else member


def _paths(says: Collection[str]) -> Iterator[list[str]]:
    # The longest first: "event.plan.name" wants an object where "event.plan" is said, too.
    paths = [name.split(".") for name in says]
    return (path for path in sorted(paths, key=lambda path: (-len(path), path)) if len(path) > 1)


_EXAMPLES: dict[str, object] = {
    "customer.locale": "en",
    "customer.first_order_days": 30,
    "voucher.code": "7KQ4-M9TD-2XWA-H",
    "voucher.link": "https://example.com/l/7KQ4M9TD2XWA",
    "voucher.qr": "https://example.com/v/7KQ4M9TD2XWA.png",
    "voucher.expires": "Nov 30, 2026",
    "voucher.worth": "$5.00",
    "brand.name": "Brand",
    "links": "https://example.com/l/7KQ4M9TD2XWA",
}
