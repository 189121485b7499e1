"""Filling in: what a letter's template may say, and the short links that it says it by."""

from collections.abc import Collection
from typing import Any

from auth.contacts import Contact
from engage import links
from engage.links import kept, models
from engage.links.kept import NewLink
from engage.outgoing.letters import Letter
from engage.outgoing.world import World
from engage.templates import brand, embeds, locales
from engage.templates.liquid import TELLER, grouped
from engage.templates.variables import PREFERENCES, UNSUBSCRIBE


def fill(
    world: World, letter: Letter, contact: Contact, says: Collection[str], *, channel: str
) -> tuple[dict[str, Any], list[NewLink]]:
    """(what the template may say, the links to be kept with it); what is not known is not there.

    says  the variables that the texts name: no more links are made than are said
    """
    teller = locales.teller(contact.locale, contact.time_zone)
    customer: dict[str, Any] = {"locale": contact.locale or ""}
    first_order = world.first_orders.get(letter.customer_id)
    if first_order is not None:
        customer["first_order_days"] = max((world.now - first_order).days, 0)
    context: dict[str, Any] = {
        **{name: grouped(told) for name, told in letter.context.items()},
        TELLER: teller,
        "brand": {"name": brand.name()},
        "customer": customer,
        "traits": grouped({**world.traits.get(letter.customer_id, {}), **letter.traits}),
    }

    made = [_link(letter, name, channel=channel) for name in _links_said(says)]
    context["links"] = {name: links.short(link.code) for name, link in made}
    new = [link for _, link in made]
    if letter.voucher is not None:
        shown = NewLink(letter.customer_id, letter.reference, kept.VOUCHER_AT, models.VOUCHER, str(letter.voucher.id))
        if "voucher.link" in says or "voucher.qr" in says:
            new.append(shown)
        code = shown.code
        link, qr = links.short(code), links.to_qr(code)
        context["voucher"] = embeds.context(letter.voucher, teller, says, link=link, qr=qr)
    return context, new


def opening(letter: Letter) -> NewLink:
    """The link by which a mail tells that it was opened."""
    return NewLink(letter.customer_id, letter.reference, kept.OPEN_AT, models.OPEN, None)


def _links_said(says: Collection[str]) -> list[str]:
    return sorted(name.partition(".")[2] for name in says if name.startswith("links."))


def _link(letter: Letter, name: str, *, channel: str) -> tuple[str, NewLink]:
    if name == PREFERENCES:
        at, kind, target = kept.PREFERENCES_AT, models.PREFERENCES, None
    elif name == UNSUBSCRIBE:
        at, kind, target = kept.UNSUBSCRIBE_AT, models.PREFERENCES, channel
    else:
        at, kind, target = letter.wording.position_of(name), models.URL, letter.wording.links[name]
    return name, NewLink(letter.customer_id, letter.reference, at, kind, target)
