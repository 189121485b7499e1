"""Webhooks: a journey tells a server that staff named, signed, after its transaction, and never somebody inside."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from core import clock, ids
from core.db import transaction
from core.gateways import signatures, webhooks
from core.gateways.webhooks import Answered, Unreachable, Unsafe
from core.web.principals import Principal
from engage.journeys.errors import JourneyInvalid
from engage.journeys.webhooks import calling, targets
from engage.journeys.webhooks.errors import TargetTaken, TargetUnsafe
from engage.journeys.webhooks.models import WebhookCall
from tests.engage.conftest import Open, Scene, journey, runs, say


@dataclass
class Server:
    """A server on this machine that keeps what it is told, and answers what the test says (0: hangs up)."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    kept = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.told.append((dict(self.headers), body))
            status = kept.answers.pop(0) if kept.answers else 200
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Location", "http://169.254.169.254/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{httpd.server_port}/hook?token=x"
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield kept
    httpd.shutdown()
    httpd.server_close()


def target(scene: Scene, server: Server, name: str = "CRM") -> tuple[UUID, str]:
    with transaction() as session:
        made, secret = targets.create(
            session, name=name, url=server.url, may_be_local=True, actor="staff:test", now=scene.now
        )
        return made.id, secret


def called(scene: Scene, target_id: UUID, **more: Any) -> UUID:
    """A customer walks a journey that calls the target."""
    steps = {"call": {"kind": "webhook", "target_id": str(target_id), "fields": ["total_minor"], "next": "say"}}
    journey_id = scene.publish(journey("call", {**steps, "say": say("Hi")}), **more)
    scene.happen(scene.order(scene.customer(), total_minor=700))
    scene.read()
    return journey_id


def call(scene: Scene) -> int:
    return calling.call_due(scene.now, may_be_local=True)


def standing() -> list[tuple[str, int | None, int]]:
    with transaction() as session:
        rows = session.scalars(select(WebhookCall).order_by(WebhookCall.id))
        return [(row.state, row.status_code, row.attempts) for row in rows]


def test_a_target_is_told_of_the_step_signed_and_the_walk_does_not_wait(scene: Scene, server: Server) -> None:
    target_id, secret = target(scene, server)
    journey_id = called(scene, target_id)
    assert runs() == [("call", "queued"), ("say", "sent")]
    assert server.told == []

    assert call(scene) == 1

    [(headers, body)] = server.told
    signatures.check(headers["Pocketful-Signature"], body, secrets=[secret], at=clock.now())
    told = json.loads(body)
    assert (told["journey_id"], told["step"], told["event"]) == (str(journey_id), "call", "order.completed")
    assert told["fields"] == {"total_minor": 700}
    assert (standing(), call(scene)) == ([("done", 200, 1)], 0)


def test_those_held_out_are_told_to_nobody(scene: Scene, server: Server) -> None:
    called(scene, target(scene, server)[0], holdout_bps=10_000)

    assert (call(scene), runs()[0]) == (0, ("call", "held_out"))


@pytest.mark.parametrize("answer", [500, 503, 429, 408, 0])
def test_what_may_pass_is_tried_five_times_under_the_same_id(scene: Scene, server: Server, answer: int) -> None:
    called(scene, target(scene, server)[0])
    server.answers = [answer] * 9

    for _ in range(9):
        call(scene)
        scene.move(hours=3)

    assert [(state, tries) for state, _, tries in standing()] == [("failed", 5)]
    assert len({json.loads(body)["id"] for _, body in server.told}) == 1
    assert len(server.told) == 5


@pytest.mark.parametrize("answer", [400, 401, 404, 410, 302, 307])
def test_what_will_not_pass_is_final_and_redirects_are_not_followed(scene: Scene, server: Server, answer: int) -> None:
    called(scene, target(scene, server)[0])
    server.answers = [answer]

    call(scene)
    scene.move(days=1)
    call(scene)

    assert standing() == [("failed", answer, 1)]
    assert len(server.told) == 1


def test_the_next_try_is_a_minute_later(scene: Scene, server: Server) -> None:
    called(scene, target(scene, server)[0])
    server.answers = [500, 204]
    call(scene)

    scene.move(seconds=59)
    assert call(scene) == 0
    scene.move(seconds=1)
    assert call(scene) == 1
    assert standing() == [("done", 204, 2)]


def test_a_call_whose_worker_died_is_made_again(scene: Scene, server: Server) -> None:
    called(scene, target(scene, server)[0])
    with transaction() as session:
        row = session.scalars(select(WebhookCall)).one()
        row.state, row.lease_token, row.lease_until = "calling", ids.new(), scene.now

    assert calling.recover_lost(scene.now) == 1
    assert call(scene) == 1
    assert standing()[0][0] == "done"


def test_a_call_that_lost_its_worker_five_times_is_given_up(scene: Scene, server: Server) -> None:
    called(scene, target(scene, server)[0])
    for expected in (*["waiting"] * 4, "failed"):
        with transaction() as session:
            row = session.scalars(select(WebhookCall)).one()
            row.state, row.lease_token, row.lease_until, row.attempts = (
                "calling",
                ids.new(),
                scene.now,
                row.attempts + 1,
            )
        assert calling.recover_lost(scene.now) == 1
        assert standing()[0][0] == expected


def test_a_closed_target_is_told_nothing_more(scene: Scene, server: Server) -> None:
    target_id, _ = target(scene, server)
    called(scene, target_id)
    with transaction() as session:
        targets.set_status(session, target_id=target_id, status="closed", actor="staff:test", now=scene.now)

    assert (call(scene), calling.recover_lost(scene.now)) == (0, 1)

    assert (server.told, standing()[0][0]) == ([], "failed")
    with pytest.raises(JourneyInvalid) as refused:
        called(scene, target_id)
    assert refused.value.facts["errors"][0]["detail"] == "This target is closed."


def test_calls_that_are_over_are_forgotten_after_ninety_days(scene: Scene, server: Server) -> None:
    called(scene, target(scene, server)[0])
    made = clock.now()  # ids carry the real time
    call(scene)

    calling.forget_old(made + timedelta(days=89))
    assert len(standing()) == 1
    calling.forget_old(made + timedelta(days=91))
    assert standing() == []


def test_a_journey_calls_a_target_that_there_is(scene: Scene) -> None:
    with pytest.raises(JourneyInvalid) as refused:
        called(scene, ids.new())

    assert refused.value.facts["errors"][0]["pointer"] == "/graph/steps/call/target_id"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https:///x", "https://user:pw@example.com/",
        "https://example.com/#x", "https://example.com:22/", "https://example.com:99999/", "//example.com",
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0/",
        "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/", "https://[::]/",
        "https://[::ffff:10.0.0.1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/", "https://[64:ff9b:1::808:808]/", "https://[ff02::1]/", "https://exa mple.com/", "https://exämple.com/",
        "https://example.com/\n", "https://example.com\\@10.0.0.1/", "https://" + "a" * 500 + ".example/",
    ],
)  # fmt: skip
def test_no_target_leads_inside(scene: Scene, url: str) -> None:
    with pytest.raises(TargetUnsafe) as refused, transaction() as session:
        targets.create(session, name="x", url=url, may_be_local=False, actor="staff:test", now=scene.now)

    assert refused.value.facts["errors"][0]["pointer"] == "/url"


def test_a_name_is_looked_at_again_when_it_is_called() -> None:
    webhooks.check_url("https://localhost/", may_be_local=False)  # its looks tell nothing

    with pytest.raises(Unsafe):
        webhooks.post("https://localhost/", b"", {})
    assert webhooks.post("https://nowhere.invalid/", b"", {}) == Unreachable("host_unknown")


def test_the_certificate_is_the_names_whatever_address_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address that was looked at; who answers there must still be the host that was named."""
    for name, expected in (("localhost", Answered(204)), ("elsewhere.example", Unreachable("tls_failed"))):
        with tls_server(tmp_path, name) as (port, certificate):
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            assert webhooks.post(f"https://localhost:{port}/", b"{}", {}, may_be_local=True) == expected
    with tls_server(tmp_path, "localhost") as (port, _):
        monkeypatch.delenv("SSL_CERT_FILE")
        assert webhooks.post(f"https://localhost:{port}/", b"{}", {}, may_be_local=True) == Unreachable("tls_failed")


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """A server on this machine with a certificate of its own for a name; (its port, the certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd.server_port, certificate
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.parametrize("url", ["https://1.1.1.1/hook", "https://example.com:8443/a?b=c", "https://[2606:4700::1]/"])
def test_public_addresses_are_taken(url: str) -> None:
    webhooks.check_url(url, may_be_local=False)


def test_staff_name_a_target_and_see_what_it_was_told(scene: Scene, server: Server, open_for: Open) -> None:
    client = open_for(Principal("staff", ids.new(), frozenset({"journeys.read", "webhook_targets.write"})))
    path = "/admin/v1/webhook-targets"

    made = client.post(path, json={"name": "CRM", "url": server.url})
    again = client.post(path, json={"name": "CRM", "url": server.url})
    unsafe = client.post(path, json={"name": "X", "url": "https://10.0.0.1/"})
    called(scene, UUID(made.json["id"]))
    call(scene)

    assert (made.status_code, made.json["host"], len(made.json["secret"])) == (201, "127.0.0.1", 43)
    assert (again.json["code"], unsafe.json["code"]) == ("target_taken", "target_unsafe")
    [listed] = client.get(path).json["items"]
    assert "secret" not in listed
    assert "url" not in listed
    [told] = client.get(f"{path}/{made.json['id']}/calls").json["items"]
    assert (told["status"], told["status_code"]) == ("done", 200)
    assert client.get(f"{path}/{ids.new()}/calls").status_code == 404
    assert client.put(f"{path}/{made.json['id']}/status", json={"status": "closed"}).json["status"] == "closed"


def test_two_targets_have_no_name_in_common(scene: Scene, server: Server) -> None:
    target(scene, server)

    with pytest.raises(TargetTaken):
        target(scene, server)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "crm..example", ".example", "."])
def test_a_name_that_no_host_can_have_is_refused_and_stops_no_line(host: str) -> None:
    for check in (webhooks.check_url, lambda url, **how: webhooks.post(url, b"{}", {}, **how)):
        with pytest.raises(Unsafe):
            check(f"https://{host}/hook", may_be_local=False)


@pytest.mark.parametrize("host", ["a" * 63 + ".example", "crm.example."])
def test_the_longest_name_and_one_with_its_last_point_are_hosts(host: str) -> None:
    webhooks.check_url(f"https://{host}/hook", may_be_local=False)
