"""What a line of delivery goes by, and the messages that it holds under a lease while they leave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from core.delivery import routes
from core.delivery.gates import Gate
from core.delivery.routes import Ways
from core.gateways.outcomes import Outcome
from core.gateways.registry import Gateways


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one channel is sent by.

    gate   asked about each message right before it leaves
    rates  messages a second by route; others get any number
    """

    channel: str
    gateways: Gateways
    gate: Gate
    rates: Mapping[str, float] = field(default_factory=dict)

    def ways(self, connection: Connection) -> Ways:
        return routes.read(
            connection, self.channel, [gateway.name for gateway in self.gateways.of_channel(self.channel)]
        )

    def gateway(self, route: str) -> Any:
        return next(one for one in self.gateways.of_channel(self.channel) if one.name == route)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message that this process holds, with the call that is to be made and the route that it takes."""

    id: UUID
    customer_id: UUID
    channel: str
    purpose: str
    due_at: datetime
    expires_at: datetime | None
    created_at: datetime
    attempts: int
    address_id: UUID | None
    reference: UUID | None
    gate: Mapping[str, Any]
    refused_by: Sequence[str]
    country: str | None
    caused_by: UUID | None
    depth: int
    trace: str | None
    recipient: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """One that may leave now."""

    message: Taken
    route: str
    call: Callable[[], Outcome]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was taken up under one lease.

    ways   the routes as they stood then
    count  how many messages that were
    ready  those that may leave now, in the order in which they do
    """

    token: UUID
    ways: Ways
    count: int = 0
    ready: Sequence[Ready] = ()
