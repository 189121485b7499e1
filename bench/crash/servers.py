"""The server processes, as `flask serve` starts them; killed whole, or one of them alone."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench import processes

_ROOT = Path(__file__).parents[2]
START_SECONDS = 120


class Servers:
    """Two processes behind one port; what they log goes to a file."""

    def __init__(self, url: str) -> None:
        # Its customers pay as fast as they can.
        self.environment = {**os.environ, "DATABASE_URL": url, "RATE_LIMITS": "customer=0"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def start(self) -> None:
        """raises  RuntimeError when it is not ready in time"""
        if self._process is not None and self._process.poll() is None:
            return
        command = ["-m", "flask", "--app", "wsgi", "serve", "--port", str(self.port), "--processes", "2"]
        self._process = subprocess.Popen(
            [sys.executable, *command], cwd=_ROOT, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        """raises  RuntimeError with the end of the log when it is not ready in time"""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except OSError:
                # Refused where the database was not there yet when it looked.
                self.start()
                time.sleep(0.05)
        self._log.seek(0)
        raise RuntimeError(f"the server is not ready: {self._log.read()[-2_000:].decode(errors='replace')}")

    def kill(self) -> None:
        """All of them at once."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill_one(self, chance: random.Random) -> None:
        """One that answers requests; the others go on."""
        found = processes.children(self._process.pid) if self._process else []
        if found:
            os.kill(chance.choice(sorted(found)), signal.SIGKILL)

    def run(self, *arguments: str) -> str:
        """A command as an operator gives it; what it says, and its exit status when that is not 0."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments], cwd=_ROOT, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).strip()
        return said if done.returncode == 0 else f"{said} (status {done.returncode})"

    def close(self) -> None:
        self.kill()
        self._log.close()
