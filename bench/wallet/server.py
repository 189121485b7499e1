"""The real server, as `flask serve` starts it, over the measured database."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.cli import server_command
from bench import processes as running

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60
#: Everybody is counted, as an operator's customers are, and nobody is refused: few callers make the whole load.
_UNREACHED = ",".join(f"{kind}=1000000" for kind in ("customer", "terminal", "staff", "source", "address"))


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        return running.cpu_seconds(self.pid)

    def peak_mib(self) -> float:
        """Of its largest process."""
        return running.peak_mib(running.tree(self.pid))


@contextmanager
def serving(
    url: str, *, target: str | None = None, processes: int = 2, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """`flask serve` with its own defaults, until the end of the block; its log goes to a file, as an operator's would.

    target  another application that is served as ours is, by so many processes; the house has to be ready
    raises  SystemExit with the end of the log when it does not start
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        own = [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)]
        process = subprocess.Popen(
            server_command("127.0.0.1", port, processes, target) if target else own,
            env={**os.environ, "DATABASE_URL": url, "RATE_LIMITS": _UNREACHED, **(environment or {})},
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            if not _answers(process, port):
                raise SystemExit(f"bench: the server did not start: {Path(log.name).read_text()[-2_000:]}")
            yield Server(port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return True
        except OSError:
            time.sleep(0.1)
    return False
