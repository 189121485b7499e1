"""WhatsApp messages: free text inside the 24 hours after the customer last wrote, an approved template outside."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.gateways.lists import Listed
from core.gateways.outcomes import Accepted, Outcome, Unknown
from core.gateways.sandbox import Keep, SandboxMessage

if TYPE_CHECKING:
    from core.gateways.twilio_client import TwilioMessages


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """to: E.164, without `whatsapp:`. Exactly one of body and content_sid (an approved template's id).

    raises  ValueError when both or neither is given
    """

    message_id: UUID
    to: str
    body: str | None = None
    content_sid: str | None = None
    content_variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.body is None) == (self.content_sid is None):
            raise ValueError("a WhatsApp message has either a body or a content_sid")


class WhatsAppGateway(Protocol):
    """Gives one WhatsApp message to a provider; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    def send(self, whatsapp: WhatsApp) -> Outcome: ...


class TwilioWhatsApp:
    """Twilio's Messages API. Free text outside the window is refused with twilio_63016, mostly by receipt."""

    name = "twilio"

    def __init__(self, messages: "TwilioMessages", *, from_: str) -> None:
        self._messages = messages
        self._from = _address(from_)

    def send(self, whatsapp: WhatsApp) -> Outcome:
        return self._messages.create(
            whatsapp.message_id, to=_address(whatsapp.to), from_=self._from, content=_content(whatsapp)
        )

    def listed(self, to: str) -> Sequence[Listed] | Unknown:
        return self._messages.listed(to=_address(to), from_=self._from)


class SandboxWhatsApp:
    """Keeps what it is given; nothing leaves the machine."""

    name = "sandbox"

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def send(self, whatsapp: WhatsApp) -> Outcome:
        content = {"message_id": str(whatsapp.message_id), **_content(whatsapp)}
        kept = SandboxMessage.of("whatsapp", whatsapp.to, content)
        self._keep(kept)
        return Accepted(provider_message_id=f"sandbox-{kept.id}")


def _content(whatsapp: WhatsApp) -> dict[str, str]:
    if whatsapp.content_sid is None:
        return {"body": whatsapp.body or ""}
    return {"content_sid": whatsapp.content_sid, "content_variables": json.dumps(dict(whatsapp.content_variables))}


def _address(number: str) -> str:
    return number if number.startswith("whatsapp:") else f"whatsapp:{number}"
