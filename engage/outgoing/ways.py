"""Ways: by which channel a letter may go, to which addresses and when; and why not, where one is closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.contacts import Contact
from engage.consents.saying import MARKETING
from engage.contacting import quiet
from engage.outgoing.letters import Letter, Reason
from engage.outgoing.world import World
from engage.templates.texts import Text
from engage.templates.wording import INBOX

#: After so long a letter that could not leave is old news.
GOOD_FOR = timedelta(hours=72)

#: Each with the caller's id of it.
Addresses = list[tuple[str, UUID | None]]


@dataclass(frozen=True, slots=True)
class Way:
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
        self.reasons.append(reason(code, detail, channel=self.channel))


def open_(way: Way) -> tuple[Text, Addresses, datetime] | None:
    """What is to be said over one channel, where and when; None with one more reason where it is closed."""
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
        return text, addresses, due_at
    return None


def _addresses(way: Way) -> Addresses:
    contact = way.contact
    if way.channel == "push":
        devices = contact.fresh_push(way.world.now) if way.is_marketing else contact.push
        return [(device.token, device.device_row) for device in devices]
    if way.channel == "email":
        return [(contact.email, None)] if contact.email else []
    return [(contact.phone, None)] if way.channel in ("sms", "whatsapp") else []


def _due(way: Way, text: Text) -> datetime | None:
    """When it is to leave; None with one more reason where that is never."""
    due_at = wanted_at(way)
    if way.is_marketing and not way.is_inbox:
        policy, zone, mode = way.world.policy, way.contact.time_zone, way.letter.quiet
        due_at = _in_turn(way, due_at)
        match quiet.decide(policy, zone, due_at, mode, channel=way.channel):
            case quiet.Skip():
                way.close("quiet", "It is the customer's quiet hours.")
                return None
            case quiet.Hold(until):
                due_at = quiet.spread(policy, until, way.letter.customer_id)
                due_at = due_at if due_at < expiry_of(way.letter, due_at) else until
    if expiry_of(way.letter, due_at) <= due_at:
        way.close("too_late", "It would be worth nothing by the time it may leave.")
        return None
    if way.channel == "whatsapp" and not text.content_sid and _window_ends_at(way) <= due_at:
        way.close("window_closed", "WhatsApp takes free text for a day after the customer wrote, else a template.")
        return None
    return due_at


def _in_turn(way: Way, wanted_at: datetime) -> datetime:
    """When a throttle that stands still in the customer's quiet hours comes to the letter."""
    letter, policy = way.letter, way.world.policy
    if letter.paced_from is None or letter.due_at is None or letter.quiet != "hold":
        return wanted_at
    if not quiet.concerns(policy, way.channel):
        return wanted_at
    turn = quiet.after(policy, way.contact.time_zone, letter.paced_from, letter.due_at - letter.paced_from)
    return max(turn, wanted_at)


def _window_ends_at(way: Way) -> datetime:
    return way.world.windows.get(way.letter.customer_id, way.world.now)


def wanted_at(way: Way) -> datetime:
    """When its author wants it to leave, whatever else holds it."""
    return max(way.letter.due_at or way.world.now, way.world.now)


def expiry_of(letter: Letter, due_at: datetime) -> datetime:
    """From when on one that was to leave then is worth nothing."""
    ends = [due_at + GOOD_FOR, letter.expires_at, letter.voucher.expires_at if letter.voucher else None]
    return min(end for end in ends if end is not None)


_WITHOUT_ADDRESS = {
    "push": ("no_device", "No device of this customer takes push notifications."),
    "email": ("no_email", "No e-mail address of this customer is known."),
    "sms": ("no_phone", "No number of this customer is known."),
    "whatsapp": ("no_phone", "No number of this customer is known."),
}


def reason(code: str, detail: str, **facts: str) -> Reason:
    return {"code": code, "detail": detail, **facts}
