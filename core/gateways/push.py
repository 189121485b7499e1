"""Push notifications to one device of a customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from core.gateways.outcomes import Accepted, Outcome
from core.gateways.sandbox import Keep, SandboxMessage


@dataclass(frozen=True, slots=True)
class Push:
    """token: the device's FCM registration token. data: what the app reads, strings only.

    image      an https address of the picture that is shown beside the text
    deep_link  what the app opens at a tap; actions: further buttons, each with its id, title and link
    """

    message_id: UUID
    token: str
    title: str
    body: str
    data: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    deep_link: str | None = None
    actions: Sequence[Mapping[str, str]] = ()


class PushGateway(Protocol):
    """Gives one notification to a provider; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    def send(self, push: Push) -> Outcome: ...


class SandboxPush:
    """Keeps what it is given; nothing leaves the machine."""

    name = "sandbox"

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def send(self, push: Push) -> Outcome:
        content: dict[str, Any] = {
            "message_id": str(push.message_id),
            "title": push.title,
            "body": push.body,
            # As the app is handed it.
            "data": {**push.data, "message_id": str(push.message_id)},
        }
        rich = {"image": push.image, "deep_link": push.deep_link, "actions": [dict(one) for one in push.actions]}
        content |= {name: value for name, value in rich.items() if value}
        kept = SandboxMessage.of("push", push.token, content)
        self._keep(kept)
        return Accepted(provider_message_id=f"sandbox-{kept.id}")
