"""Signed links: what a customer may do without signing in, since only they were sent the link.

A token names its customer (by a pseudonymous id), what it is for and the day it was made, under an HMAC. Nothing is
kept of it, so a broadcast makes a hundred thousand of them without a row.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from core import crypto
from core.settings import Settings

#: What a link is for: the whole preference page, or to stop one channel.
PREFERENCES = "preferences"
SCOPES = (PREFERENCES, "push", "sms", "whatsapp", "email")

GOOD_FOR = timedelta(days=180)

_FIRST_DAY = date(2000, 1, 1)
_PLAIN_BYTES = 16 + 1 + 2
#: 128 bits: nobody guesses one in the time that a link lives.
_MAC_BYTES = 16

_public_url = Settings().public_url


def load(settings: Settings) -> None:
    """Take the public address that links begin with; before any link is made."""
    global _public_url
    _public_url = settings.public_url.rstrip("/")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a good token says."""

    customer_id: UUID
    scope: str


def url(path: str, customer_id: UUID, scope: str, *, now: datetime) -> str:
    """A link that does `scope` for a customer: <PUBLIC_URL>/<path>/<token>."""
    return f"{_public_url}/{path}/{sign(customer_id, scope, now=now)}"


def sign(customer_id: UUID, scope: str, *, now: datetime) -> str:
    day = (now.astimezone(UTC).date() - _FIRST_DAY).days
    plain = customer_id.bytes + bytes([SCOPES.index(scope)]) + day.to_bytes(2)
    return base64.urlsafe_b64encode(plain + _mac(plain)).decode().rstrip("=")


def read(token: str, *, now: datetime) -> Claim | None:
    """What the token says; None when we did not make it, or longer ago than `GOOD_FOR`."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    plain, mac = raw[:_PLAIN_BYTES], raw[_PLAIN_BYTES:]
    if not hmac.compare_digest(mac, _mac(plain)):
        return None
    made_on = _FIRST_DAY + timedelta(days=int.from_bytes(plain[17:]))
    if now.astimezone(UTC).date() - made_on > GOOD_FOR:
        return None
    return Claim(UUID(bytes=plain[:16]), SCOPES[plain[16]])


def _mac(plain: bytes) -> bytes:
    return crypto.blind_index("engage.preferences", plain.hex())[:_MAC_BYTES]
