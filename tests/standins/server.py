"""A loopback HTTP server that plays a provider: it keeps what it was asked and misbehaves when told to.

Told in process through `StandIn.will`, or from another process over `/_standin/...`, so that a test which kills workers
can count what reached the provider.
"""

import argparse
import json
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """How one request is met.

    accept          the provider's 2xx
    refuse          the provider's 4xx, with `code`
    limit           429, with Retry-After when `retry_after` is set
    fail            `status` (a 5xx), nothing taken
    hang            takes the message and never answers
    drop            takes the message and closes the connection without an answer
    lose            closes the connection without an answer and takes nothing
    late            takes the message and answers after `seconds`
    """

    mode: str = "accept"
    code: str = ""
    status: int = 503
    retry_after: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One message that reached the provider, and whether it took it."""

    message_id: str
    recipient: str
    fields: dict[str, Any]
    taken: bool


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class StandIn:
    """Base of the providers: subclasses read a request (`understand`) and word the answers."""

    def __init__(self, *, port: int = 0, always: Behaviour | None = None) -> None:
        self.always = always or Behaviour()
        self.asked: list[Asked] = []
        self._script: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandIn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def will(self, *behaviours: Behaviour) -> None:
        """Meet the next requests so, one each; after them, as always."""
        with self._lock:
            self._script.extend(behaviours)

    def posts(self) -> Counter[str]:
        """How many requests arrived for each message id."""
        with self._lock:
            return Counter(asked.message_id for asked in self.asked)

    def understand(self, path: str, body: bytes) -> tuple[str, str, dict[str, Any]]:
        """Message id, recipient and fields of a request to send."""
        raise NotImplementedError

    def accepted(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def refused(self, asked: Asked, code: str) -> Answer:
        raise NotImplementedError

    def limited(self) -> Answer:
        raise NotImplementedError

    def failed(self, status: int) -> Answer:
        raise NotImplementedError

    def meet(self, path: str, body: bytes) -> Answer | None:
        """The answer to one request; None to close the connection without one."""
        message_id, recipient, fields = self.understand(path, body)
        with self._lock:
            behaviour = self._script.popleft() if self._script else self.always
            taken = behaviour.mode in ("accept", "hang", "drop", "late")
            asked = Asked(message_id, recipient, fields, taken)
            self.asked.append(asked)

        if behaviour.mode == "hang":
            self._closing.wait()
        if behaviour.mode == "late":
            self._closing.wait(behaviour.seconds)
        if behaviour.mode in ("hang", "drop", "lose"):
            return None
        return self._worded(asked, behaviour)

    def _worded(self, asked: Asked, behaviour: Behaviour) -> Answer:
        if behaviour.mode == "refuse":
            return self.refused(asked, behaviour.code)
        if behaviour.mode == "limit":
            answer = self.limited()
            if behaviour.retry_after:
                answer.headers["Retry-After"] = behaviour.retry_after
            return answer
        if behaviour.mode == "fail":
            return self.failed(behaviour.status)
        return self.accepted(asked)

    def look_up(self, path: str) -> Answer:
        """The answer to a question about what was taken; providers that tell none have no such address."""
        return self.failed(404)

    def control(self, path: str, body: bytes) -> Answer:
        """`GET /_standin/asked`; `POST /_standin/will` and `/_standin/always` with behaviours as JSON."""
        if path.endswith("/will"):
            self.will(*(Behaviour(**given) for given in json.loads(body)))
        elif path.endswith("/always"):
            self.always = Behaviour(**json.loads(body))
        with self._lock:
            return Answer(200, {"asked": [asdict(asked) for asked in self.asked]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A burst of workers may connect at once.
    request_queue_size = 128


def _handler(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asks = standin.control(self.path, b"") if self.path.startswith("/_standin/") else standin.look_up(self.path)
            self._write(asks)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith("/_standin/"):
                self._write(standin.control(self.path, body))
            else:
                self._write(standin.meet(self.path, body))

        def _write(self, answer: Answer | None) -> None:
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer.body).encode()
            try:
                self._send(answer, content)
            except ConnectionError:
                self.close_connection = True  # whoever asked has given up

        def _send(self, answer: Answer, content: bytes) -> None:
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test's output is not for access lines."""

    return Handler


def serve(kind: type[StandIn]) -> None:
    """Run as a process of its own: print the port, then serve until standard input closes or a signal comes."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--mode", default="accept")
    chosen = arguments.parse_args()
    with kind(port=chosen.port, always=Behaviour(mode=chosen.mode)) as standin:
        print(standin.url.rpartition(":")[2], flush=True)  # noqa: T201 - the caller reads it
        threading.Event().wait()
