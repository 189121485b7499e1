"""A call to a server that staff named is over in its time, whatever the server does with it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from core.gateways import timed, webhooks
from core.gateways.webhooks import Answered, Unreachable

Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behaves: Behaviour) -> Iterator[str]:
    """A server on this machine that does this with each connection, once it has been told; its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[taken], daemon=True).start()

    def serve(taken: socket.socket) -> None:
        with taken:
            while taken.recv(65536).endswith(b"\r\n\r\n"):
                pass  # the head alone: what it is told comes behind it
            with suppress(OSError):  # the caller has hung up
                behaves(taken)

    threading.Thread(target=take, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def answers(head: bytes) -> Behaviour:
    return lambda taken: taken.sendall(head)


def drips(head: bytes) -> Behaviour:
    def drip(taken: socket.socket) -> None:
        for at in range(len(head)):
            taken.sendall(head[at : at + 1])
            time.sleep(0.02)

    return drip


def hangs(taken: socket.socket) -> None:
    taken.recv(1)  # until the caller hangs up


def floods(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        taken.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def goes_on(taken: socket.socket) -> None:
    while True:
        taken.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def tells_for_ever(taken: socket.socket) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while True:
        taken.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("behaves", "outcome"),
    [
        (answers(b"HTTP/1.1 204 No Content\r\n\r\n"), Answered(204)),
        (answers(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), Answered(500)),
        (answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\n\r\n"), Answered(201)),
        (drips(b"HTTP/1.1 200 OK\r\n\r\n"), Answered(200)),
        (tells_for_ever, Answered(200)),
        (answers(b""), Unreachable("broken_off")),
        (answers(b"HTTP/1.1 20"), Unreachable("unreadable")),
        (answers(b"SSH-2.0-OpenSSH\r\n"), Unreachable("unreadable")),
        (floods, Unreachable("unreadable")),
        (goes_on, Unreachable("unreadable")),
    ],
)
def test_an_answer_is_told_by_its_head_and_a_bad_one_by_a_word(behaves: Behaviour, outcome: object) -> None:
    with server(behaves) as url:
        assert webhooks.post(url, b"{}", {}, may_be_local=True) == outcome


@pytest.mark.parametrize("behaves", [hangs, drips(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 10_000)])
def test_one_that_hangs_or_drips_holds_nobody_longer_than_a_call(
    behaves: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.3)
    with server(behaves) as url:
        begun = time.monotonic()
        assert webhooks.post(url, b"{}", {}, may_be_local=True) == Unreachable("too_slow")
        assert 0.3 <= time.monotonic() - begun < 3


def test_one_that_does_not_read_what_it_is_told_holds_nobody_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.3)
    with server(lambda _: time.sleep(5)) as url:
        assert webhooks.post(url, b"x" * 50_000_000, {}, may_be_local=True) == Unreachable("too_slow")


def test_neither_does_one_that_says_nothing_of_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.3)
    with server(hangs) as url:
        told = webhooks.post(url.replace("http:", "https:"), b"{}", {}, may_be_local=True)
    assert told == Unreachable("too_slow")


def test_nor_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.2)
    answered = threading.Event()
    monkeypatch.setattr(timed.socket, "getaddrinfo", lambda *_, **__: answered.wait(5) and [])

    assert webhooks.post("https://slow.example/", b"{}", {}) == Unreachable("too_slow")
    answered.set()


def test_nobody_listens_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert webhooks.post(f"http://127.0.0.1:{port}/", b"{}", {}, may_be_local=True) == Unreachable("not_connected")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://127.0.0.1/", b"127.0.0.1"),
        ("http://127.0.0.1:8080/", b"127.0.0.1:8080"),
        ("http://[::1]/", b"[::1]"),
        ("http://[::1]:8080/", b"[::1]:8080"),
    ],
)
def test_it_is_told_which_host_is_meant(url: str, named: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(webhooks, "_connected", lambda *_: ours)
    with theirs:
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert webhooks.post(url, b"{}", {}, may_be_local=True) == Answered(204)
        assert b"\r\nHost: " + named + b"\r\n" in theirs.recv(65536)
