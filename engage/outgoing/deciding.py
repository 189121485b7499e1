"""Deciding: whether and how a letter goes out, and why not where it does not. No database, no clock, no chance.

It goes over the first of its channels that the customer allows and that reaches them, a push to each of their devices.
A letter that does not go out never stops who meant to send it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth.contacts import Contact
from engage.consents import unsubscribing
from engage.consents.saying import MARKETING
from engage.contacting import control, quiet
from engage.inbox import NewItem
from engage.outgoing import content, filling
from engage.outgoing.content import Extras
from engage.outgoing.letters import Decided, Letter, Reason, Sent, Skipped
from engage.outgoing.world import World
from engage.templates.liquid import TemplateFailed
from engage.templates.texts import Text
from engage.templates.variables import PREFERENCES, UNSUBSCRIBE
from engage.templates.wording import INBOX, Rendered, render

#: What a marketing mail says so that its reader can have it stopped; one that says neither gets a line more.
_WAYS_OUT = frozenset((f"links.{PREFERENCES}", f"links.{UNSUBSCRIBE}"))

#: After so long a letter that could not leave is old news.
GOOD_FOR = timedelta(hours=72)


def decide(world: World, letter: Letter) -> Decided:
    """What becomes of a letter.

    effects  takes from the world's caps, in memory
    """
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
    if letter.wording.says_voucher and letter.voucher is None:
        return _skipped(letter, "no_voucher", "The voucher that the message names is not there.")

    reasons: list[Reason] = []
    for channel in letter.channels:
        sent = _send(_Way(channel, world, letter, contact, reasons))
        if sent is not None:
            return sent
    return Skipped(letter, reasons)


@dataclass(frozen=True, slots=True)
class _Way:
    """One channel that a letter may go by. reasons: why those before it were passed over"""

    channel: str
    world: World
    letter: Letter
    contact: Contact
    reasons: list[Reason]

    @property
    def is_marketing(self) -> bool:
        return self.letter.purpose == MARKETING

    @property
    def is_inbox(self) -> bool:
        return self.channel == INBOX

    def close(self, code: str, detail: str) -> None:
        self.reasons.append(_reason(code, detail, channel=self.channel))


def _send(way: _Way) -> Sent | None:
    """The letter over one channel, or None with one more reason."""
    channel, letter, contact = way.channel, way.letter, way.contact
    text = letter.wording.text(channel, contact.locale)
    addresses = _addresses(way)
    if text is None:
        way.close("no_wording", f"The template has no text for {channel}.")
    elif not way.is_inbox and not way.world.said.allow(contact.customer_id, channel=channel, purpose=letter.purpose):
        way.close("no_consent", f"No consent to {letter.purpose} messages by {channel}.")
    elif (contact.phone_index, channel) in way.world.opted_out:
        way.close("opted_out", f"The customer's number said STOP to {channel}.")
    elif not addresses and not way.is_inbox:
        way.close(*_WITHOUT_ADDRESS[channel])
    elif (due_at := _due(way, text)) is not None:
        return _written(way, text, addresses, due_at)
    return None


def _addresses(way: _Way) -> list[tuple[str, UUID | None]]:
    contact = way.contact
    if way.channel == "push":
        devices = contact.fresh_push(way.world.now) if way.is_marketing else contact.push
        return [(device.token, device.device_row) for device in devices]
    if way.channel == "email":
        return [(contact.email, None)] if contact.email else []
    return [(contact.phone, None)] if way.channel in ("sms", "whatsapp") else []


def _due(way: _Way, text: Text) -> datetime | None:
    """When it is to leave; None with one more reason where that is never."""
    due_at = _wanted_at(way)
    if way.is_marketing and not way.is_inbox:
        zone = way.contact.time_zone
        match quiet.decide(way.world.policy, zone, due_at, way.letter.quiet, channel=way.channel):
            case quiet.Skip():
                way.close("quiet", "It is the customer's quiet hours.")
                return None
            case quiet.Hold(until):
                due_at = until
    if _expiry(way.letter, due_at) <= due_at:
        way.close("too_late", "It would be worth nothing by the time it may leave.")
        return None
    if way.channel == "whatsapp" and not text.content_sid and _window_ends_at(way) <= due_at:
        way.close("window_closed", "WhatsApp takes free text for a day after the customer wrote, else a template.")
        return None
    return due_at


def _window_ends_at(way: _Way) -> datetime:
    return way.world.windows.get(way.letter.customer_id, way.world.now)


def _written(way: _Way, text: Text, addresses: list[tuple[str, UUID | None]], due_at: datetime) -> Sent | None:
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
        way.close("capped", "The customer was written to as often as the contact policy allows.")
        return None
    return Sent(
        letter=letter,
        channel=channel,
        addresses=addresses,
        content=made,
        item=_item(letter, in_app),
        links=[*links, extras.opening] if extras.opening else links,
        due_at=due_at,
        expires_at=_expiry(letter, due_at),
        reasons=[*way.reasons, *([_held(channel, due_at)] if due_at > _wanted_at(way) else [])],
        marks=world.caps.marks(letter.customer_id, channel, due_at) if way.is_marketing else (),
    )


def _extras(way: _Way, said: Rendered, *, way_out: str | None) -> Extras:
    """What a mail has beside its text."""
    button = unsubscribing.url(way.letter.customer_id, way.channel, now=way.world.now) if way.is_marketing else None
    return Extras(filling.opening(way.letter) if said.html else None, button, way_out)


def _item(letter: Letter, said: Rendered) -> NewItem:
    """The letter as it stands in the app's inbox."""
    return NewItem(
        customer_id=letter.customer_id,
        title=said.title or said.subject,
        body=said.body,
        voucher_id=letter.voucher.id if letter.voucher else None,
        rich=content.rich(said),
        reference=letter.reference,
        expires_at=letter.voucher.expires_at if letter.voucher else None,
    )


def _wanted_at(way: _Way) -> datetime:
    return max(way.letter.due_at or way.world.now, way.world.now)


def _expiry(letter: Letter, due_at: datetime) -> datetime:
    ends = [due_at + GOOD_FOR, letter.expires_at, letter.voucher.expires_at if letter.voucher else None]
    return min(end for end in ends if end is not None)


_WITHOUT_ADDRESS = {
    "push": ("no_device", "No device of this customer takes push notifications."),
    "email": ("no_email", "No e-mail address of this customer is known."),
    "sms": ("no_phone", "No number of this customer is known."),
    "whatsapp": ("no_phone", "No number of this customer is known."),
}


def _left_in_peace(letter: Letter, code: str, detail: str) -> Skipped:
    return Skipped(letter, [_reason(code, detail)], "held_out")


def _skipped(letter: Letter, code: str, detail: str) -> Skipped:
    return Skipped(letter, [_reason(code, detail)])


def _held(channel: str, until: datetime) -> Reason:
    detail = f"Held until the customer's quiet hours are over, at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    return _reason("held", detail, channel=channel)


def _reason(code: str, detail: str, **facts: str) -> Reason:
    return {"code": code, "detail": detail, **facts}
