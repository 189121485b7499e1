"""Calls that end by one moment, whatever the other side does: a name's look-up, and all that is sent and read.

Moments are `time.monotonic()`'s.
"""

import io
import socket
import threading
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import Any

#: All that is read of an answer: its head.
MOST_BYTES = 64 * 1024


def left(ends_at: float) -> float:
    """raises  TimeoutError once it is over"""
    seconds = ends_at - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def looked_up(host: str, port: int, ends_at: float) -> list[IPv4Address | IPv6Address]:
    """raises  OSError; TimeoutError where nobody says in time: a look-up cannot be stopped, it ends by itself"""
    found: list[Any] = []

    def look() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.append(None)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(left(ends_at))
    if not found:
        raise TimeoutError
    if found[0] is None:
        raise OSError
    return list(dict.fromkeys(ip_address(one[4][0]) for one in found[0]))


class Timed:
    """What http.client needs of a socket.

    raises  TimeoutError when it is over; HTTPException past MOST_BYTES
    """

    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock, self._ends_at = sock, ends_at

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._sock.settimeout(left(self._ends_at))
            rest = rest[self._sock.send(rest) :]

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Head(self._sock, self._ends_at))

    def close(self) -> None:
        self._sock.close()


class _Head(io.RawIOBase):
    def __init__(self, sock: socket.socket, ends_at: float) -> None:
        self._sock, self._ends_at, self._most = sock, ends_at, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._most <= 0:
            raise HTTPException
        self._sock.settimeout(left(self._ends_at))
        count = self._sock.recv_into(buffer)
        self._most -= count
        return count
