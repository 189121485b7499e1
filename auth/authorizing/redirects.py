"""Where an answer may be sent: to an address that the client registered, letter by letter, and nowhere else, ever."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode, urlsplit

from auth.oauth.clients import Client

LONGEST = 2_000

#: RFC 8252 section 7.3: an app on a computer listens at whatever port it gets; the rest is compared as it stands.
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/[^?#]*)?(\?[^#]*)?\Z")
_PLAIN = re.compile(r"[!-~]+\Z")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+\Z")
_LOOPBACK_HOSTS = ("127.0.0.1", "::1")


def check(client: Client, redirect_uri: str) -> bool:
    """Whether this client registered this very address; of an app's own machine, at any port."""
    if redirect_uri in client.redirect_uris:
        return True
    if client.kind != "app" or not _LOOPBACK.match(redirect_uri):
        return False
    portless = _without_port(redirect_uri)
    return any(_LOOPBACK.match(known) and _without_port(known) == portless for known in client.redirect_uris)


def is_registrable(uri: str, *, may_be_local: bool = False) -> bool:
    """Whether an address can be registered: https, an app's own scheme (`com.example.app:/…`), or its own machine.

    may_be_local  in development and tests: http on `localhost`, too
    """
    if len(uri) > LONGEST or not _PLAIN.match(uri) or any(one in uri for one in "\\\"'<>#*{}|^`"):
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return parts.username is None and parts.password is None and _leads_somewhere(parts, may_be_local=may_be_local)


def with_parameters(uri: str, parameters: Mapping[str, str | None]) -> str:
    """The address with parameters added to those that it has; what is None is left out."""
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    if not added:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{added}"


def _leads_somewhere(parts: SplitResult, *, may_be_local: bool) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK_HOSTS or (may_be_local and parts.hostname == "localhost")
    return bool(_PRIVATE_USE.match(parts.scheme)) and bool(parts.netloc or parts.path.startswith("/"))


def _without_port(uri: str) -> str:
    return _LOOPBACK.sub(lambda found: f"http://{found[1]}{found[3] or ''}{found[4] or ''}", uri)
