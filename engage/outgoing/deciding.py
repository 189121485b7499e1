"""Deciding: whether and how a letter goes out, and why not where it does not. No database, no clock, no chance.

It goes over the first of its channels that the customer allows and that reaches them, a push to each of their devices.
A letter that does not go out never stops who meant to send it.
"""

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
        found = _by(channel, world, letter, contact, reasons)
        if found is not None:
            return found
    return Skipped(letter, reasons)


def _by(channel: str, world: World, letter: Letter, contact: Contact, reasons: list[Reason]) -> Sent | None:
    """The letter over one channel, or None with one more reason."""

    def passed_over(code: str, detail: str) -> None:
        reasons.append(_reason(code, detail, channel=channel))

    text = letter.wording.text(channel, contact.locale)
    if text is None:
        passed_over("no_wording", f"The template has no text for {channel}.")
        return None
    if channel != INBOX and not world.said.allow(letter.customer_id, channel=channel, purpose=letter.purpose):
        passed_over("no_consent", f"No consent to {letter.purpose} messages by {channel}.")
        return None
    if (contact.phone_index, channel) in world.opted_out:
        passed_over("opted_out", f"The customer's number said STOP to {channel}.")
        return None
    addresses = _addresses(channel, contact, letter, now=world.now)
    if not addresses and channel != INBOX:
        passed_over(*_WITHOUT_ADDRESS[channel])
        return None
    due_at = _due(channel, world, letter, contact, reasons)
    if due_at is None:
        return None
    if channel == "whatsapp" and not text.content_sid and world.windows.get(letter.customer_id, world.now) <= due_at:
        passed_over("window_closed", "WhatsApp takes free text for a day after the customer wrote, else a template.")
        return None
    return _written(channel, text, world, letter, contact, addresses, due_at, reasons)


def _written(
    channel: str,
    text: Text,
    world: World,
    letter: Letter,
    contact: Contact,
    addresses: list[tuple[str, UUID | None]],
    due_at: datetime,
    reasons: list[Reason],
) -> Sent | None:
    """The letter in words, where they can be said and are not too many. The caps come last, so that nothing else uses
    one up."""

    def passed_over(code: str, detail: str) -> None:
        reasons.append(_reason(code, detail, channel=channel))

    is_marketing = letter.purpose == MARKETING
    is_lone_mail = channel == "email" and is_marketing and not text.says & _WAYS_OUT
    shown = letter.wording.inbox_text(channel, contact.locale) or text
    says = text.says | shown.says | ({f"links.{UNSUBSCRIBE}"} if is_lone_mail else frozenset())
    context, links = filling.fill(world, letter, contact, says, channel=channel)
    try:
        said = render(text, context)
        in_app = said if shown is text else render(shown, context)
    except TemplateFailed as error:
        passed_over("template_failed", f"The template could not be rendered: {error}")
        return None
    extras = Extras()
    if channel == "email":
        extras = Extras(
            opening=filling.opening(letter) if said.html else None,
            unsubscribe_url=unsubscribing.url(letter.customer_id, channel, now=world.now) if is_marketing else None,
            way_out=context["links"][UNSUBSCRIBE] if is_lone_mail else None,
        )
    made = content.of(channel, said, letter, extras)
    if content.is_too_long(channel, said, made):
        passed_over("too_long", f"The text is too long for {channel}.")
        return None
    if is_marketing and not world.caps.take(letter.customer_id, channel, due_at):
        passed_over("capped", "The customer was written to as often as the contact policy allows.")
        return None
    held = [_held(channel, due_at)] if due_at > _wanted_at(world, letter) else []
    return Sent(
        letter=letter,
        channel=channel,
        addresses=addresses,
        content=made,
        item=_item(letter, in_app),
        links=[*links, extras.opening] if extras.opening else links,
        due_at=due_at,
        expires_at=_expiry(letter, due_at),
        reasons=[*reasons, *held],
        marks=world.caps.marks(letter.customer_id, channel, due_at) if is_marketing else (),
    )


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


def _due(channel: str, world: World, letter: Letter, contact: Contact, reasons: list[Reason]) -> datetime | None:
    """When it is to leave; None with one more reason where that is never."""
    due_at = _wanted_at(world, letter)
    if letter.purpose == MARKETING and channel != INBOX:
        match quiet.decide(world.policy, contact.time_zone, due_at, letter.quiet, channel=channel):
            case quiet.Skip():
                reasons.append(_reason("quiet", "It is the customer's quiet hours.", channel=channel))
                return None
            case quiet.Hold(until):
                due_at = until
    if _expiry(letter, due_at) <= due_at:
        reasons.append(_reason("too_late", "It would be worth nothing by the time it may leave.", channel=channel))
        return None
    return due_at


def _wanted_at(world: World, letter: Letter) -> datetime:
    return max(letter.due_at or world.now, world.now)


def _expiry(letter: Letter, due_at: datetime) -> datetime:
    ends = [due_at + GOOD_FOR, letter.expires_at, letter.voucher.expires_at if letter.voucher else None]
    return min(end for end in ends if end is not None)


def _addresses(channel: str, contact: Contact, letter: Letter, *, now: datetime) -> list[tuple[str, UUID | None]]:
    if channel == "push":
        devices = contact.fresh_push(now) if letter.purpose == MARKETING else contact.push
        return [(device.token, device.device_row) for device in devices]
    if channel == "email":
        return [(contact.email, None)] if contact.email else []
    return [(contact.phone, None)] if channel in ("sms", "whatsapp") else []


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
