"""Turns: a server that is slow, fails or has many calls waiting delays only its own."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from core import ids
from core.crypto import Erased
from core.db import transaction
from core.gateways import webhooks
from core.web.principals import Principal
from engage.journeys.webhooks import calling, targets, turns
from engage.journeys.webhooks.calling import NewCall
from engage.journeys.webhooks.models import WebhookCall, WebhookTarget
from tests.engage.conftest import Open, Scene


class Server:
    """A server on this machine. status: what it answers; None: it hangs until the test is over"""

    def __init__(self, status: int | None = 200) -> None:
        self.status, self.told, self.at_once, self.most_at_once = status, 0, 0, 0
        self.over, self.counting = threading.Event(), threading.Lock()
        self.meanwhile: Callable[[], None] = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with outer.counting:
                    outer.told += 1
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                outer.meanwhile()
                if outer.status is None:
                    outer.over.wait(5)
                with outer.counting:
                    outer.at_once -= 1
                self.send_response(outer.status or 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True  # the caller has hung up

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}/"


Serve = Callable[..., Server]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.3)
    made: list[Server] = []

    def served(status: int | None = 200) -> Server:
        server = Server(status)
        made.append(server)
        threading.Thread(target=server.httpd.serve_forever, args=[0.01], daemon=True).start()
        return server

    yield served
    for server in made:
        server.over.set()
        server.httpd.shutdown()
        server.httpd.server_close()


def target(scene: Scene, server: Server, *, calls: int, name: str | None = None) -> UUID:
    """A target with so many calls that are due."""
    with transaction() as session:
        made, _ = targets.create(
            session, name=name or server.url, url=server.url, may_be_local=True, actor="staff:test", now=scene.now
        )
        new = [NewCall(made.id, ids.new(), ids.new(), {"n": number}) for number in range(calls)]
        calling.enqueue_all(session, new, now=scene.now)
        return made.id


def call(scene: Scene) -> int:
    return calling.call_due(scene.now, may_be_local=True)


def waiting(target_id: UUID) -> int:
    query = select(func.count()).where(WebhookCall.target_id == target_id, WebhookCall.state == "waiting")
    with transaction() as session:
        return session.scalar(query) or 0


def standing(target_id: UUID) -> WebhookTarget:
    with transaction() as session:
        return session.get_one(WebhookTarget, target_id)


def test_one_that_hangs_delays_the_others_by_one_call_and_then_rests(scene: Scene, serve: Serve) -> None:
    hanging, good = serve(None), serve()
    hung = target(scene, hanging, calls=50)
    quick = target(scene, good, calls=3)

    assert [call(scene) for _ in range(3)] == [4, 3, 0]

    assert (good.told, waiting(quick)) == (3, 0)
    assert (hanging.told, waiting(hung)) == (4, 50)
    assert standing(hung).rests_until == scene.now + timedelta(minutes=1)


def test_while_it_rests_its_calls_lose_no_tries_and_one_alone_tries_then(scene: Scene, serve: Serve) -> None:
    server = serve(503)
    resting = target(scene, server, calls=6)
    call(scene)

    scene.move(seconds=59)
    assert call(scene) == 0
    scene.move(seconds=1)
    assert (call(scene), server.told) == (1, 5)
    assert standing(resting).rests_until == scene.now + timedelta(minutes=2)

    scene.move(minutes=2)
    server.status = 200
    assert call(scene) == 6
    assert (standing(resting).failures, standing(resting).rests_until, waiting(resting)) == (0, None, 0)


@pytest.mark.parametrize(("failures", "minutes"), [(3, 0.5), (4, 1), (5, 2), (9, 32), (10, 60), (1_000_000, 60)])
def test_each_rest_is_twice_as_long_and_an_hour_at_most(failures: int, minutes: float) -> None:
    assert turns.rest_after(failures) == timedelta(minutes=minutes)


def test_a_no_to_single_calls_lets_nobody_rest(scene: Scene, serve: Serve) -> None:
    server = serve(404)
    refusing = target(scene, server, calls=9)

    assert call(scene) == 9
    assert (server.told, standing(refusing).failures) == (9, 0)


def test_one_with_many_calls_keeps_the_others_waiting_for_a_turn_only(
    scene: Scene, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "_TURN_SECONDS", 0)
    busy, small = serve(), serve()
    many = target(scene, busy, calls=40)
    few = target(scene, small, calls=2)

    assert [call(scene) for _ in range(3)] == [4, 2, 4]
    assert (waiting(few), waiting(many)) == (0, 32)
    assert busy.most_at_once <= 4


def test_two_workers_never_call_one_target_at_once_and_call_two_targets_both(scene: Scene, serve: Serve) -> None:
    first, second = serve(), serve()
    target(scene, first, calls=1)
    target(scene, second, calls=1)
    seen: list[int] = []
    first.meanwhile = lambda: seen.append(call(scene))

    assert call(scene) == 1

    assert (seen, first.told, second.told) == ([1], 1, 1)


def test_a_turn_whose_worker_died_is_had_by_the_next_once_its_lease_is_over(scene: Scene, serve: Serve) -> None:
    target(scene, serve(), calls=1)
    lost = turns.take(lease=timedelta(seconds=60), now=scene.now)
    assert lost is not None

    scene.move(seconds=59)
    assert call(scene) == 0
    scene.move(seconds=1)
    assert call(scene) == 1
    lost.failures = 7
    with transaction() as session:
        turns.end(session, lost, now=scene.now)
    assert standing(lost.target_id).failures == 0


def test_somebody_who_is_telling_a_target_more_keeps_it_from_no_turn(scene: Scene, serve: Serve) -> None:
    server = serve()
    told = target(scene, server, calls=1)

    with transaction() as session:
        calling.enqueue_all(session, [NewCall(told, ids.new(), ids.new(), {})], now=scene.now)
        assert call(scene) == 1


def test_what_a_resting_target_was_not_told_in_three_days_it_is_told_no_more(scene: Scene, serve: Serve) -> None:
    server = serve(500)
    resting = target(scene, server, calls=5)
    call(scene)
    with transaction() as session:
        session.execute(update(WebhookTarget).values(rests_until=scene.now + timedelta(days=9)))

    scene.move(days=3)
    calling.forget_old(scene.now)
    assert waiting(resting) == 5
    scene.move(seconds=1)
    calling.forget_old(scene.now)
    assert waiting(resting) == 0
    with transaction() as session:
        assert set(session.scalars(select(WebhookCall.last_error))) == {"too_late"}


def test_staff_see_that_it_rests_and_opening_it_again_ends_that(scene: Scene, serve: Serve, open_for: Open) -> None:
    client = open_for(Principal("staff", ids.new(), frozenset({"journeys.read", "webhook_targets.write"})))
    server = serve(500)
    resting = target(scene, server, calls=5)
    call(scene)

    answer: Any = client.get("/admin/v1/webhook-targets").json
    [listed] = answer["items"]
    assert (listed["failures"], listed["rests_until"]) == (4, "2026-11-21T12:01:00Z")
    client.put(f"/admin/v1/webhook-targets/{resting}/status", json={"status": "closed"})
    client.put(f"/admin/v1/webhook-targets/{resting}/status", json={"status": "active"})

    assert call(scene) == 1


def test_one_whose_seal_is_broken_delays_nobody_else(scene: Scene, serve: Serve) -> None:
    server = serve()
    broken = target(scene, server, calls=1, name="Broken")
    good = target(scene, server, calls=2, name="Good")
    with transaction() as session:
        session.execute(update(WebhookTarget).where(WebhookTarget.id == broken).values(url=b"not sealed by us"))

    with pytest.raises(Erased):
        call(scene)

    assert (call(scene), call(scene)) == (2, 0)
    assert (waiting(broken), waiting(good)) == (1, 0)
