"""What the HTTP adapters share: time-outs, and reading a failed request for whether it may have arrived."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.exceptions import ProxyError as ProxyUnreachable

from core.gateways.outcomes import Outcome, Retry, Unknown

# One for connecting and one for the answer, so a call ends within twice this. Providers answer in well under a
# second; a lease on a message (core.delivery.work) is at least three of these pairs.
TIMEOUT_SECONDS = 10.0


def post_once(session: requests.Session, *, api_url: str | None) -> None:
    """Make the session give each request to the provider at most once.

    effects  replaces every adapter that the SDK mounted: theirs post again after a lost reply
    """
    for prefix in list(session.adapters):
        session.mount(prefix, HTTPAdapter(max_retries=0, pool_maxsize=32))

    if api_url and is_loopback(api_url):
        # A company's HTTP proxy cannot reach a stand-in on this machine.
        session.trust_env = False


def outcome_of_exception(error: BaseException | None) -> Outcome:
    """What a requests exception tells: Retry when no connection was ever made, else Unknown."""
    reason = type(error).__name__
    if isinstance(error, requests.ConnectTimeout):
        return Retry(code=reason)
    if isinstance(error, requests.ConnectionError) and _never_connected(error):
        return Retry(code="ConnectionRefused")
    return Unknown(reason=reason)


def outcome_of_status(status: int, headers: Mapping[str, str]) -> Outcome:
    """What a 429 or a 5xx tells when the body says no more.

    A 429 and a 503 are given before the provider takes the message, as Twilio and FCM document; any other 5xx may
    come from behind the point of acceptance, so nobody can tell.
    """
    if status in (429, 503):
        return Retry(code=f"http_{status}", after_seconds=retry_after(headers))
    return Unknown(reason=f"http_{status}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the Retry-After header (RFC 9110 section 10.2.3), a number or a date; None without one."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isdecimal():
        return float(value)
    try:
        # A date is the provider's, so it is measured by the real clock even while a demo simulates ours.
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _never_connected(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    if not isinstance(cause, MaxRetryError):
        return False
    reason = cause.reason
    if isinstance(reason, ProxyUnreachable):
        reason = reason.original_error
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)
