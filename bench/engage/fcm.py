"""Plays Firebase Cloud Messaging in a process of its own, as lightly as HTTP/1.1 can be: what is measured beside it
must not be the stand-in. It notes when a push came for each token; `GET /arrivals` tells."""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOKEN = re.compile(rb'"token": *"([^"]*)"')
_TAKEN = b'{"name": "projects/brand/messages/0:1"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


@contextmanager
def playing() -> Iterator[str]:
    """Its address, for the length of the block."""
    command = [sys.executable, "-m", "bench.engage.fcm"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def arrivals(url: str) -> list[tuple[str, float]]:
    """(token, when it came by the machine's clock) of every push so far, in order."""
    with urllib.request.urlopen(f"{url}/arrivals", timeout=30) as answer:
        return [(token, at) for token, at in json.load(answer)]


class _Connection(asyncio.Protocol):
    """One kept connection; requests may come in pieces, never two at once from the SDK."""

    seen: list[tuple[str, float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._read) < whole:
                return
            body, self._read = self._read[end + 4 : whole], self._read[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            told = json.dumps(self.seen).encode()
        else:
            token = _TOKEN.search(body)
            self.seen.append((token[1].decode() if token else "", time.time()))
            told = _TAKEN
        self._transport.write(_ANSWER % (len(told), told))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
