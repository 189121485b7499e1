"""Deciding: whether and how a letter goes out, and why not where it does not. No database, no clock, no chance.

It goes over the first of its channels that the customer allows and that reaches them, a push to each of their devices.
A letter that does not go out never stops who meant to send it.
"""

from datetime import UTC, datetime

from engage.consents import unsubscribing
from engage.consents.saying import MARKETING
from engage.contacting import control
from engage.inbox import NewItem
from engage.outgoing import content, filling
from engage.outgoing.content import Extras
from engage.outgoing.letters import Decided, Letter, Reason, Sent, Skipped
from engage.outgoing.ways import Addresses, Way, expiry_of, open_, reason, wanted_at
from engage.outgoing.world import World
from engage.templates.liquid import TemplateFailed
from engage.templates.texts import Text
from engage.templates.variables import PREFERENCES, UNSUBSCRIBE
from engage.templates.wording import Rendered, render

#: What a marketing mail says so that its reader can have it stopped; one that says neither gets a line more.
_WAYS_OUT = frozenset((f"links.{PREFERENCES}", f"links.{UNSUBSCRIBE}"))


def decide(world: World, letter: Letter) -> Decided:
    """What becomes of a letter.

    effects  takes from the world's caps, in memory
    """
    left_out = _left_out(world, letter)
    if left_out is not None:
        return left_out
    if letter.wording.says_voucher and letter.voucher is None:
        return _skipped(letter, "no_voucher", "The voucher that the message names is not there.")

    reasons: list[Reason] = []
    for channel in letter.channels:
        way = Way(channel, world, letter, world.contacts[letter.customer_id], reasons)
        opened = open_(way)
        sent = _written(way, *opened) if opened else None
        if sent is not None:
            return sent
    return Skipped(letter, reasons)


def foresee(world: World, letter: Letter) -> Skipped | None:
    """What speaks against a letter before it is put into words; None: it goes out, unless those turn out too long.

    Asked before a voucher is issued for it (`letter.expires_at` says when that ends), so that none is given to whom
    nobody tells of it. Nothing is taken from caps.
    """
    left_out = _left_out(world, letter)
    if left_out is not None:
        return left_out

    reasons: list[Reason] = []
    for channel in letter.channels:
        way = Way(channel, world, letter, world.contacts[letter.customer_id], reasons)
        opened = open_(way)
        if opened and (not way.is_marketing or world.caps.has(letter.customer_id, channel, opened[-1])):
            return None
        if opened:
            way.close(*_CAPPED)
    return Skipped(letter, reasons)


def _left_out(world: World, letter: Letter) -> Skipped | None:
    """Whom no channel is tried for."""
    if letter.arm == "holdout":
        return _left_in_peace(letter, "held_out", "The customer is held out, so that the effect can be told.")
    if letter.purpose == MARKETING and (letter.arm == "control" or control.is_in(world.policy, letter.customer_id)):
        return _left_in_peace(
            letter, "control_group", "The customer gets no marketing, so that its effect can be told."
        )
    contact = world.contacts.get(letter.customer_id)
    if contact is None:
        return _skipped(letter, "no_contact", "Nothing is known of how to reach this customer.")
    if contact.status != "active" and letter.purpose == MARKETING:
        return _skipped(letter, "suspended", "The customer is suspended.")
    return None


def _written(way: Way, text: Text, addresses: Addresses, due_at: datetime) -> Sent | None:
    """The letter in words, where they can be said and are not too many. The caps come last, so that nothing else uses
    one up."""
    world, letter, channel = way.world, way.letter, way.channel
    shown = letter.wording.inbox_text(channel, way.contact.locale) or text
    is_lone_mail = channel == "email" and way.is_marketing and not text.says & _WAYS_OUT
    says = text.says | shown.says | ({f"links.{UNSUBSCRIBE}"} if is_lone_mail else frozenset())
    context, links = filling.fill(world, letter, way.contact, says, channel=channel)
    try:
        said = render(text, context)
        in_app = said if shown is text else render(shown, context)
    except TemplateFailed as error:
        way.close("template_failed", f"The template could not be rendered: {error}")
        return None

    way_out = context["links"][UNSUBSCRIBE] if is_lone_mail else None
    extras = _extras(way, said, way_out=way_out) if channel == "email" else Extras()
    made = content.of(channel, said, letter, extras)
    if content.is_too_long(channel, said, made):
        way.close("too_long", f"The text is too long for {channel}.")
        return None
    if way.is_marketing and not world.caps.take(letter.customer_id, channel, due_at):
        way.close(*_CAPPED)
        return None
    return Sent(
        letter=letter,
        channel=channel,
        addresses=addresses,
        content=made,
        item=_item(letter, in_app, shown_from=due_at),
        links=[*links, extras.opening] if extras.opening else links,
        due_at=due_at,
        expires_at=expiry_of(letter, due_at),
        reasons=[*way.reasons, *([_held(channel, due_at)] if due_at > wanted_at(way) else [])],
        marks=world.caps.marks(letter.customer_id, channel, due_at) if way.is_marketing else (),
    )


def _extras(way: Way, said: Rendered, *, way_out: str | None) -> Extras:
    """What a mail has beside its text."""
    button = unsubscribing.url(way.letter.customer_id, way.channel, now=way.world.now) if way.is_marketing else None
    return Extras(filling.opening(way.letter) if said.html else None, button, way_out)


def _item(letter: Letter, said: Rendered, *, shown_from: datetime) -> NewItem:
    """The letter as it stands in the app's inbox."""
    return NewItem(
        customer_id=letter.customer_id,
        title=said.title or said.subject,
        body=said.body,
        voucher_id=letter.voucher.id if letter.voucher else None,
        rich=content.rich(said),
        reference=letter.reference,
        expires_at=letter.voucher.expires_at if letter.voucher else None,
        shown_from=shown_from,
    )


_CAPPED = ("capped", "The customer was written to as often as the contact policy allows.")


def _left_in_peace(letter: Letter, code: str, detail: str) -> Skipped:
    return Skipped(letter, [reason(code, detail)], "held_out")


def _skipped(letter: Letter, code: str, detail: str) -> Skipped:
    return Skipped(letter, [reason(code, detail)])


def _held(channel: str, until: datetime) -> Reason:
    detail = f"Held until the customer's quiet hours are over, at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    return reason("held", detail, channel=channel)
