"""What places announce."""

from dataclasses import dataclass

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class AccessSuspended(Event):
    """Nobody comes in any more as, or by, this one; `whom`: "merchant:<id>", "terminal:<id>", "customer:<id>" …"""

    name = "access.suspended"
    log_only = True

    whom: str
    status: str


@dataclass(frozen=True, kw_only=True)
class AccessRestored(Event):
    name = "access.restored"
    log_only = True

    whom: str
