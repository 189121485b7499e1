"""A body that is refused unread is still let in to its end: its sender must hear the answer, not a broken pipe."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest


def post(server: str, path: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/app/v1/topups", "/oauth/token", "/v1/batch", "/nowhere"])
def test_who_sends_too_much_hears_so(lasting_server: str, path: str) -> None:
    for _ in range(5):
        status, body = post(lasting_server, path, b"x" * 6_000_000, "application/octet-stream")
        assert status in (400, 401, 404, 413), body
    for _ in range(5):
        status, body = post(lasting_server, path, b'"' + b"x" * 6_000_000 + b'"')
        assert status in (404, 413), body


def test_who_hangs_up_while_writing_keeps_nobody_waiting(lasting_server: str) -> None:
    """More of them than the server has threads."""
    where = urlsplit(lasting_server)
    for _ in range(20):
        with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
            connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 100_000)

    assert post(lasting_server, "/nowhere", b"")[0] == 404
