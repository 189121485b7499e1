"""Text messages to a phone number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.gateways.lists import Listed
from core.gateways.outcomes import Accepted, Outcome, Unknown
from core.gateways.sandbox import Keep, SandboxMessage

if TYPE_CHECKING:
    from core.gateways.twilio_client import TwilioMessages


@dataclass(frozen=True, slots=True)
class Sms:
    """to: E.164. The id is ours and travels to the provider, which hands it back with each receipt."""

    message_id: UUID
    to: str
    body: str


class SmsGateway(Protocol):
    """Gives one text message to a provider; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    def send(self, sms: Sms) -> Outcome: ...


class TwilioSms:
    """Twilio's Messages API. An opted-out number is Refused for good with code twilio_21610."""

    def __init__(self, messages: "TwilioMessages", *, from_: str, name: str = "twilio") -> None:
        self._messages = messages
        self._from = from_
        self.name = name

    def send(self, sms: Sms) -> Outcome:
        return self._messages.create(sms.message_id, to=sms.to, from_=self._from, content={"body": sms.body})

    def listed(self, to: str) -> Sequence[Listed] | Unknown:
        return self._messages.listed(to=to, from_=self._from)


class SandboxSms:
    """Keeps what it is given; nothing leaves the machine."""

    name = "sandbox"

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def send(self, sms: Sms) -> Outcome:
        kept = SandboxMessage.of("sms", sms.to, {"message_id": str(sms.message_id), "body": sms.body})
        self._keep(kept)
        return Accepted(provider_message_id=f"sandbox-{kept.id}")
