"""What is announced of codes that go unused."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class OtpStopped(Event):
    """The breaker opened: to a prefix or a country so many codes were sent and so few used that it must be fraud."""

    name = "otp.stopped"
    log_only = True

    scope: str
    until: datetime
