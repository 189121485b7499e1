"""The load: a process of its own that keeps connections busy, as cheaply as Python can, and counts what comes back.

It needs nothing but the standard library, reads one job as JSON from its input and writes its answer as JSON:
    job     port, connections, seconds, count (stop after so many; 0: by time), expected ("201"), key_from, requests as
            [before, after] pairs of text, each sent as before + a new key + after, in random order or, with count, in
            their own; "{key}" within after is the key, too
    answer  count, seconds, others (status -> how many), p50_ms, p99_ms, cpu_seconds
"""

import itertools
import json
import random
import resource
import selectors
import socket
import sys
from collections import Counter, deque
from collections.abc import Iterator
from time import perf_counter
from typing import Any

_HEAD_END = b"\r\n\r\n"
_KEY = b"{key}"


def main() -> None:
    job = json.load(sys.stdin)
    requests = _requests(job)
    selector = selectors.DefaultSelector()
    for _ in range(job["connections"]):
        connection = socket.create_connection(("127.0.0.1", job["port"]))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What is kept of each: when its request was sent, and what of the answer is there.
        selector.register(connection, selectors.EVENT_READ, [0.0, b""])
    json.dump(_run(selector, requests, job), sys.stdout)


def _requests(job: dict[str, Any]) -> Iterator[bytes]:
    """Made as they are sent, but for the key ready before: 10,000 bearers' whole requests would be many megabytes."""
    parts = [(before.encode(), after.encode()) for before, after in job["requests"]]
    chosen = iter(parts[: job["count"]]) if job["count"] else iter(lambda: random.choice(parts), None)
    for number, (before, after) in zip(itertools.count(job["key_from"]), chosen, strict=False):
        key = b"%032d" % number
        yield b"%b%b%b" % (before, key, after.replace(_KEY, key))


def _run(selector: selectors.BaseSelector, requests: Iterator[bytes], job: dict[str, Any]) -> dict[str, Any]:
    waits: deque[float] = deque()
    others: Counter[str] = Counter()
    expected = job["expected"].encode()
    cpu, begun = _cpu_seconds(), perf_counter()
    until = begun + job["seconds"] if not job["count"] else float("inf")
    busy = sum(_send(key, requests) for key in list(selector.get_map().values()))
    while busy:
        for key, _ in selector.select():
            sent_at, answer = key.data
            answer += key.fileobj.recv(65_536)  # type: ignore[union-attr]
            if not _is_whole(answer):
                key.data[1] = answer
                if not answer:
                    raise SystemExit("load: the server hung up")
                continue
            now = perf_counter()
            if answer[9:12] == expected:
                waits.append(now - sent_at)
            else:
                others[answer[9:12].decode()] += 1
            if now > until or not _send(key, requests):
                selector.unregister(key.fileobj)
                busy -= 1
    ordered = sorted(waits) or [0.0]
    return {
        "count": len(waits),
        "seconds": perf_counter() - begun,
        "others": others,
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 2),
        "p99_ms": round(ordered[len(ordered) * 99 // 100] * 1000, 2),
        "cpu_seconds": _cpu_seconds() - cpu,
    }


def _send(key: selectors.SelectorKey, requests: Iterator[bytes]) -> bool:
    request = next(requests, None)
    if request is None:
        return False
    key.data[:] = [perf_counter(), b""]
    key.fileobj.sendall(request)  # type: ignore[union-attr]
    return True


def _is_whole(answer: bytes) -> bool:
    head = answer.find(_HEAD_END)
    if head < 0:
        return False
    at = answer.lower().find(b"content-length:", 0, head)
    length = int(answer[at + 15 : answer.find(b"\r\n", at)]) if at > 0 else 0
    return len(answer) >= head + 4 + length


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
