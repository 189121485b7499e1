"""What each channel's content holds, and the gateway that it goes to.

push      title, body; optional: data (strings), image (https), deep_link, actions ({id, title, link} each)
sms       body
whatsapp  body, or content_sid with content_variables
email     subject, text; optional: html, unsubscribe_url
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from core.gateways.email import Email
from core.gateways.outcomes import Outcome
from core.gateways.push import Push
from core.gateways.sms import Sms
from core.gateways.whatsapp import WhatsApp

Content = dict[str, Any]
Call = Callable[[], Outcome]


def check(channel: str, content: Content) -> None:
    """Refuse content that its channel could not send, while its author still holds it.

    raises  ValueError naming the channel and what is wrong
    """
    try:
        _MAKE[channel](UUID(int=0), "", content)
    except KeyError as error:
        raise ValueError(f"{error} is missing from the content of a message by {channel}") from error
    except TypeError as error:
        raise ValueError(f"the content of a message by {channel} does not fit: {error}") from error


def call(gateway: Any, *, channel: str, message_id: UUID, recipient: str, content: Content) -> Call:
    """The one call that hands a message to one of its channel's providers, ready to be made."""
    return partial(gateway.send, _MAKE[channel](message_id, recipient, content))


def _push(message_id: UUID, recipient: str, content: Content) -> Push:
    return Push(
        message_id,
        recipient,
        content["title"],
        content["body"],
        content.get("data", {}),
        content.get("image"),
        content.get("deep_link"),
        content.get("actions", ()),
    )


def _sms(message_id: UUID, recipient: str, content: Content) -> Sms:
    return Sms(message_id, recipient, content["body"])


def _whatsapp(message_id: UUID, recipient: str, content: Content) -> WhatsApp:
    return WhatsApp(message_id, recipient, **content)


def _email(message_id: UUID, recipient: str, content: Content) -> Email:
    rich = (content.get("html"), content.get("unsubscribe_url"))
    return Email(message_id, recipient, content["subject"], content["text"], *rich)


_MAKE: dict[str, Callable[[UUID, str, Content], Any]] = {
    "push": _push,
    "sms": _sms,
    "whatsapp": _whatsapp,
    "email": _email,
}
