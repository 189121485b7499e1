"""Notices: what customers are told of their account for its safety's sake, wherever they can be reached.

They go out whatever a customer wants to hear of the brand: nobody may turn off being told that somebody else is in.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import contacts
from auth.contacts import Contact
from core.delivery import messages
from core.delivery.messages import NewMessage
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class _Text:
    title: str
    body: str


PASSKEY_ADDED = "passkey_added"
PASSKEY_REMOVED = "passkey_removed"
IDENTITY_LINKED = "identity_linked"
DEVICE_LET_IN = "device_let_in"
SIGNED_OUT = "signed_out"
NUMBER_CHANGING = "number_changing"
NUMBER_CHANGED = "number_changed"
NUMBER_KEPT = "number_kept"

_NOT_YOU = "If this was not you, sign out everywhere in the app now and write to us."

_TEXTS = {
    PASSKEY_ADDED: _Text("A passkey was added", f"Your account can be opened with a new passkey. {_NOT_YOU}"),
    PASSKEY_REMOVED: _Text("A passkey was removed", f"One of your passkeys works no more. {_NOT_YOU}"),
    IDENTITY_LINKED: _Text("A new way to sign in", f"Another account was linked to yours. {_NOT_YOU}"),
    DEVICE_LET_IN: _Text(
        "Another device is signed in", f"A device that showed a code was let in to your account. {_NOT_YOU}"
    ),
    SIGNED_OUT: _Text(
        "You were signed out",
        "Somebody may have copied this app's access to your account, so it was ended. Sign in again.",
    ),
    NUMBER_CHANGING: _Text(
        "Your phone number is about to change",
        "Somebody asked to move your account to another phone number. If this was not you, cancel it in the app now.",
    ),
    NUMBER_CHANGED: _Text("Your phone number was changed", f"You sign in with the new number from now on. {_NOT_YOU}"),
    NUMBER_KEPT: _Text("Your phone number stays", "The change of your phone number will not take place."),
}


_brand = Settings().brand_name


def load(settings: Settings) -> None:
    """Take whose account it is: a text message and a mail do not say it by themselves, as a push does."""
    global _brand
    _brand = settings.brand_name


def tell(session: Session, customer_id: UUID, what: str, *, now: datetime, by_sms: bool = False) -> int:
    """Write to every device and to the proved e-mail address of a customer, in the caller's transaction; returns how
    many messages wait. To the phone number where there is neither, or it is asked for.

    what    one of the names above
    """
    contact = contacts.contacts_of(session, [customer_id]).get(customer_id)
    if contact is None:  # being erased, or of a sandbox
        return 0
    new = _by_push(contact, what, now) + _by_email(contact, what, now)
    if by_sms or not new:
        new.append(_message(contact, "sms", contact.phone, {"body": f"{_brand}: {_TEXTS[what].body}"}, now))
    messages.enqueue_all(session, new, now=now)
    return len(new)


def _by_push(contact: Contact, what: str, now: datetime) -> list[NewMessage]:
    content: dict[str, Any] = {"title": _TEXTS[what].title, "body": _TEXTS[what].body, "data": {"notice": what}}
    return [
        _message(contact, "push", address.token, content, now, address_id=address.device_row)
        for address in contact.push
    ]


def _by_email(contact: Contact, what: str, now: datetime) -> list[NewMessage]:
    if contact.email is None:
        return []
    content = {"subject": f"{_brand}: {_TEXTS[what].title}", "text": _TEXTS[what].body}
    return [_message(contact, "email", contact.email, content, now)]


def _message(
    contact: Contact,
    channel: str,
    recipient: str,
    content: dict[str, Any],
    now: datetime,
    *,
    address_id: UUID | None = None,
) -> NewMessage:
    return NewMessage(
        customer_id=contact.customer_id,
        channel=channel,
        recipient=recipient,
        content=content,
        purpose="transactional",
        address_id=address_id,
        due_at=now,
    )
