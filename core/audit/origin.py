"""Where the deed that is being done comes from. The doors know; what records a deed, far below, asks here."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

#: As much of a browser's or app's name as tells one from another.
LONGEST_AGENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """network: /24 or /64; client_id: the app that holds the token; agent: how the browser or app calls itself"""

    network: str | None = None
    client_id: str | None = None
    agent: str | None = None
    session_id: UUID | None = None
    request_id: str | None = None


def _nowhere() -> Origin | None:
    return None


_asked: Callable[[], Origin | None] = _nowhere


def register(asked: Callable[[], Origin | None]) -> None:
    """Say who knows where the request comes from that this thread is answering; None where it answers none.

    It is asked when a deed is recorded, and not told at each request: most record nothing.
    """
    global _asked
    _asked = asked


def current() -> Origin | None:
    return _asked()


def network_of(address: str | None) -> str | None:
    """Of a network address what tells a place, but no household: its /24 or /64."""
    try:
        given = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    found = given.ipv4_mapped if isinstance(given, ipaddress.IPv6Address) and given.ipv4_mapped else given
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))
