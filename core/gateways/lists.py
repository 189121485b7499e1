"""Asking a provider what it has: how a message whose answer was lost is looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from core.gateways.outcomes import Unknown


@dataclass(frozen=True, slots=True)
class Listed:
    """One message as the provider lists it; status and error_code are its own words."""

    provider_message_id: str
    body: str
    status: str
    error_code: str
    created_at: datetime


@runtime_checkable
class Lister(Protocol):
    """A gateway whose provider tells what it was given; never raises for what the provider or the network does."""

    def listed(self, to: str) -> Sequence[Listed] | Unknown:
        """The latest messages from our sender to one recipient, the newest first; enough for several hours."""
        ...
