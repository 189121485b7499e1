"""What is announced of clients."""

from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ClientAdded(Event):
    name = "client.added"
    log_only = True

    client_id: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class ClientChanged(Event):
    """`fields`: what of it is another now: "redirect_uris", "secret", "status" ..."""

    name = "client.changed"
    log_only = True

    client_id: str
    fields: list[str]
