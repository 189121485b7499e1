"""Calls to servers that staff name: one signed POST to an address that is surely outside.

A name may lead anywhere, also to this machine, the cloud's metadata service or a till's network, and to another address
a second later. So the name is resolved once, every address that it has must be a public one, and the connection goes to
the address that was looked at, while TLS checks the certificate against the name. Redirects are not followed.
All of a call is over by one moment, and so are its name's look-up and its certificates: a time-out of each read, which
is what HTTP libraries have, lets a server that drips its answer byte by byte hold its caller for hours.
source  OWASP, Server Side Request Forgery Prevention Cheat Sheet, read 2026-11
"""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from time import monotonic
from urllib.parse import SplitResult, urlsplit

import certifi

from core.gateways import timed

#: For all of a call; of it, for one address to take the connection.
CALL_SECONDS, CONNECT_SECONDS = 10.0, 5.0
LONGEST_URL = 500
_MOST_ADDRESSES = 3

_Address = IPv4Address | IPv6Address

#: IPv6 that stands for IPv4, by translators and tunnels: what it stands for is looked at.
_TRANSLATED = IPv6Network("64:ff9b::/96")

#: A network's own translators: what one of these stands for only that network knows (RFC 8215).
_TRANSLATED_HERE = IPv6Network("64:ff9b:1::/48")


class Unsafe(Exception):
    """The address may not be called; the text says why, in words for who named it."""


@dataclass(frozen=True, slots=True)
class Answered:
    status: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer came.

    reason  "host_unknown", "not_connected", "tls_failed" (the certificate is not the host's, mostly), "too_slow",
            "broken_off", or "unreadable": nothing that HTTP knows
    """

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
    ends_at = monotonic() + CALL_SECONDS
    try:
        addresses = timed.looked_up(host, port, ends_at)
    except OSError as error:
        return Unreachable("too_slow" if isinstance(error, TimeoutError) else "host_unknown")
    for address in addresses:
        # One that is not public among others is how a name slips past: then none is called.
        _check_address(address, may_be_local=may_be_local)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    bracketed = f"[{host}]" if ":" in host else host
    named = bracketed if parts.port is None else f"{bracketed}:{parts.port}"
    try:
        with _connected(addresses, port, ends_at) as sock:
            own = sock if parts.scheme == "http" else _in_tls(sock, host, ends_at)
            return Answered(_status(own, ends_at, path, body, {**headers, "Host": named, "Connection": "close"}))
    except _NotConnected:
        return Unreachable("not_connected")
    except TimeoutError:
        return Unreachable("too_slow")
    except ssl.SSLError:
        return Unreachable("tls_failed")
    except OSError:  # also http.client's RemoteDisconnected
        return Unreachable("broken_off")
    except HTTPException:
        return Unreachable("unreadable")


class _NotConnected(Exception):
    pass


def _connected(addresses: list[_Address], port: int, ends_at: float) -> socket.socket:
    """raises  _NotConnected where none of them takes it"""
    for address in addresses[:_MOST_ADDRESSES]:
        try:
            sock = socket.create_connection((str(address), port), timeout=min(CONNECT_SECONDS, timed.left(ends_at)))
        except OSError:
            continue  # nothing was told, so the next address may be
        # Head and body are sent apart, and the second would wait for the first's receipt.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise _NotConnected


def _in_tls(sock: socket.socket, host: str, ends_at: float) -> ssl.SSLSocket:
    trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    sock.settimeout(timed.left(ends_at))  # of a handshake it bounds the whole
    return trusted.wrap_socket(sock, server_hostname=host)


@lru_cache(maxsize=4)
def _trusted(*_: str | None) -> ssl.SSLContext:
    """The wheel's authorities, and the machine's own beside them; read once, as they cost more than a call does."""
    trusted = ssl.create_default_context(cafile=certifi.where())
    trusted.load_default_certs()
    return trusted


def _status(sock: socket.socket, ends_at: float, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Tell it, and read the answer's head. What it says is nobody's business here, and might be endless."""
    connection = HTTPConnection("-")
    connection.sock = timed.Timed(sock, ends_at)
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


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
        if not one.is_global or one.is_multicast or one.is_reserved or one.is_unspecified or one in _TRANSLATED_HERE:
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
