"""Plays Stripe Identity's VerificationSessions, and its signed events.

source  https://docs.stripe.com/api/identity/verification_sessions and https://docs.stripe.com/webhooks, read 2026-11
"""

import hashlib
import hmac
import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.standins.server import Behaviour

API_KEY = "rk_test_identity"
SECRET = "whsec_stand_in"
_PATH = "/v1/identity/verification_sessions"


@dataclass(frozen=True)
class Call:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, str]


class StripeIdentity:
    """Keeps sessions as Stripe does: the same Idempotency-Key is the same session."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self._of_key: dict[str, str] = {}
        self._script: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StripeIdentity":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def will(self, *behaviours: Behaviour) -> None:
        """Meet the next requests so, one each."""
        self._script.extend(behaviours)

    def decide(self, name: str, status: str, *, code: str | None = None) -> dict[str, Any]:
        """Move a session on as its customer and Stripe would; returns it."""
        done = {"client_secret": None, "url": None} if status in ("verified", "canceled") else {}
        error = {"code": code, "reason": "The document has expired."} if code else None
        self.sessions[name] = {**self.sessions[name], **done, "status": status, "last_error": error}
        return self.sessions[name]

    def meet(self, call: Call) -> tuple[int, dict[str, Any]] | None:
        with self._lock:
            self.calls.append(call)
            behaviour = self._script.popleft() if self._script else Behaviour()
            if call.headers.get("Authorization") != f"Bearer {API_KEY}":
                return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
            if behaviour.mode == "refuse":
                return 400, {"error": {"type": "invalid_request_error", "code": behaviour.code, "message": "No"}}
            if behaviour.mode == "limit":
                return 429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Slower"}}
            if behaviour.mode == "fail":
                return behaviour.status, {"error": {"type": "api_error", "message": "Sorry"}}
            answer = self._open(call) if call.method == "POST" else self._find(call)
        if behaviour.mode == "hang":
            self._closing.wait()
        return None if behaviour.mode in ("hang", "drop") else answer

    def _open(self, call: Call) -> tuple[int, dict[str, Any]]:
        key = call.headers["Idempotency-Key"]
        if key not in self._of_key:
            name = self._of_key[key] = "vs_" + hashlib.sha256(key.encode()).hexdigest()[:24]
            self.sessions[name] = {
                "id": name,
                "object": "identity.verification_session",
                "client_reference_id": call.fields["client_reference_id"],
                "client_secret": f"{name}_secret_test",
                "created": 1795305600,
                "last_error": None,
                "last_verification_report": None,
                "livemode": False,
                "metadata": {"check_id": call.fields["metadata[check_id]"]},
                "options": {"document": {"require_live_capture": True, "require_matching_selfie": True}},
                "redaction": None,
                "status": "requires_input",
                "type": call.fields["type"],
                "url": f"https://verify.stripe.com/start/{name}",
            }
        return 200, self.sessions[self._of_key[key]]

    def _find(self, call: Call) -> tuple[int, dict[str, Any]]:
        session = self.sessions.get(call.path.removeprefix(f"{_PATH}/"))
        if session is None:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such"}}
        return 200, session


def event(session: dict[str, Any], kind: str = "") -> bytes:
    """The body of the event that tells of a session."""
    name = f"identity.verification_session.{kind or session['status']}"
    told = {**session, "client_secret": None, "url": None}
    return json.dumps({"id": "evt_1", "object": "event", "type": name, "data": {"object": told}}).encode()


def signature(body: bytes, *, at: float, secret: str = SECRET) -> str:
    """What Stripe puts in Stripe-Signature."""
    digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={digest},v0={'0' * 64}"


def _handler(standin: StripeIdentity) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._meet()

        def do_POST(self) -> None:
            self._meet()

        def _meet(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, dict(self.headers.items()), dict(parse_qsl(body.decode())))
            answer = standin.meet(call)
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test's output is not for access lines."""

    return Handler
