"""What consents announce."""

from dataclasses import dataclass
from typing import ClassVar

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(Event):
    name: ClassVar[str] = "consent.changed"
    log_only: ClassVar[bool] = True

    channel: str
    purpose: str
    is_granted: bool
    given_through: str
