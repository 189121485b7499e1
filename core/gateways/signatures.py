"""Signed call-backs: a time and an HMAC-SHA256 over time and raw body, so that an overheard one is soon worth nothing.

The header reads `t=<unix seconds>,v1=<hex>`, with one v1 for each secret in use.
source  https://docs.stripe.com/webhooks#verify-manually, read 2026-11
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

#: Stripe's own; a provider that sends again later signs anew.
TOLERANCE = timedelta(minutes=5)


class Forged(Exception):
    """No secret of ours made the signature, or it was made too long ago."""


def check(header: str, body: bytes, *, secrets: Sequence[str], at: datetime) -> None:
    """Let pass what one of the secrets signed within five minutes of `at`.

    secrets  more than one while they are changed over
    raises   Forged
    """
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t" and re.fullmatch("[0-9]{1,12}", value)]
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or abs(at.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        raise Forged
    made = [_digest(times[0], body, secret).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in made for other in given):
        raise Forged


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """The header that `check` lets pass."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest(seconds, body, secret)}"


def _digest(seconds: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
