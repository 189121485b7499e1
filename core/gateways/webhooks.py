"""Calls to servers that staff name: one signed POST to an address that is surely outside.

A name may lead anywhere, also to this machine, the cloud's metadata service or a till's network, and to another address
a second later. So the name is resolved once, every address that it has must be a public one, and the connection goes to
the address that was looked at, while TLS checks the certificate against the name. Redirects are not followed.
source  OWASP, Server Side Request Forgery Prevention Cheat Sheet, read 2026-11
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
LONGEST_URL = 500
_MOST_ADDRESSES = 3

_Address = IPv4Address | IPv6Address

#: IPv6 that stands for IPv4, by translators and tunnels: what it stands for is looked at.
_TRANSLATED = IPv6Network("64:ff9b::/96")


class Unsafe(Exception):
    """The address may not be called; the text says why, in words for who named it."""


@dataclass(frozen=True, slots=True)
class Answered:
    status: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer came; reason: the kind of error, which holds nothing of the call"""

    reason: str


def check_url(url: str, *, may_be_local: bool) -> None:
    """Refuse an address by its looks: another scheme, a user in it, a literal address that is not public.

    may_be_local  in development and tests: http, and this machine
    raises        Unsafe
    """
    parts = _parts(url, may_be_local=may_be_local)
    literal = _literal(parts.hostname or "")
    if literal is not None:
        _check_address(literal, may_be_local=may_be_local)


def post(url: str, body: bytes, headers: Mapping[str, str], *, may_be_local: bool = False) -> Answered | Unreachable:
    """One POST, at most once. Never raises for what the network or the server does.

    raises  Unsafe
    """
    parts = _parts(url, may_be_local=may_be_local)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return Unreachable("host_unknown")
    addresses = [ip_address(one[4][0]) for one in found]
    for address in addresses:
        # One that is not public among others is how a name slips past: then none is called.
        _check_address(address, may_be_local=may_be_local)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = host if parts.port is None else f"{host}:{parts.port}"
    outcome: Answered | Unreachable = Unreachable("host_unknown")
    for address in list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]:
        try:
            with _pool(parts.scheme, str(address), port, host) as pool:
                answer = pool.urlopen(
                    "POST", path, body=body, headers={**headers, "Host": named}, redirect=False, retries=False,
                    preload_content=False,
                )  # fmt: skip
                # What it says is nobody's business here, and might be endless.
                status = answer.status
                answer.close()
                return Answered(status)
        except (NewConnectionError, ConnectTimeoutError) as error:
            outcome = Unreachable(type(error).__name__)  # nothing was told, so the next address may be
        except HTTPError as error:
            return Unreachable(type(error).__name__)
    return outcome


def _pool(scheme: str, address: str, port: int, host: str) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False)
    # The wheel's authorities, and the machine's own beside them.
    trusted = ssl.create_default_context(cafile=certifi.where())
    trusted.load_default_certs()
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=timeout,
        retries=False,
        server_hostname=host,
        assert_hostname=host,
        ssl_context=trusted,
    )


def _parts(url: str, *, may_be_local: bool) -> SplitResult:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or any(c in url for c in " \\\"'<>{}"):
        raise Unsafe(f"Must be an address of at most {LONGEST_URL} plain characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unsafe("Is no address.") from error
    if parts.scheme != "https" and not (may_be_local and parts.scheme == "http"):
        raise Unsafe("Must begin with https://.")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise Unsafe("Must name a host, and neither a user nor a fragment.")
    if any(not 0 < len(label) < 64 for label in parts.hostname.removesuffix(".").split(".")):
        raise Unsafe("Is no name of a host.")  # looking it up would fail as no other does
    if port is not None and not may_be_local and port not in (443, 8443):
        raise Unsafe("The port must be 443 or 8443.")
    return parts


def _literal(host: str) -> _Address | None:
    """The address that a host is, also in the shapes that resolvers take for one ("127.1", "0x7f000001")."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _check_address(address: _Address, *, may_be_local: bool) -> None:
    if may_be_local and address.is_loopback:
        return
    for one in _stands_for(address):
        if not one.is_global or one.is_multicast or one.is_reserved or one.is_unspecified:
            raise Unsafe("Leads into a network that is not public.")


def _stands_for(address: _Address) -> list[_Address]:
    """The address, and the IPv4 ones that are written into it."""
    if isinstance(address, IPv4Address):
        return [address]
    inside: list[_Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    inside += address.teredo or ()
    if address in _TRANSLATED:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.ipv4_mapped is not None:
        return inside
    return [address, *inside]
