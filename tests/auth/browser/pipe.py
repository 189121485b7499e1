"""Chromium, driven by its DevTools protocol over two pipes: no library, no port, no WebSocket."""

import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

#: CHROMIUM names another one.
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")

#: How long an answer is waited for on a machine that others use.
PATIENCE_SECONDS = 30.0


def program() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Closed(Exception):
    """Chromium ended, or does not answer."""


class Chromium:
    """A running browser, with a profile of its own that goes with it."""

    def __init__(self, executable: str) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="pocketful-chromium-"))
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def put_pipes() -> None:
            """Chromium reads from 3 and writes to 4. Doubled first: one of them may be the other's number."""
            read, write = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen(
            [
                executable, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--remote-debugging-pipe", f"--user-data-dir={self._profile}",
                *(["--no-sandbox"] if os.getuid() == 0 else []),  # root has no sandbox to go into
                "about:blank",
            ],
            preexec_fn=put_pipes,  # noqa: PLW1509 -- it calls the system alone, and waits for no lock
            close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, params: Mapping[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """The answer to one command; events that come meanwhile are kept.

        raises  Closed; RuntimeError with what Chromium has against the command
        """
        self._number += 1
        told = {"id": self._number, "method": method, "params": dict(params or {})}
        os.write(self._out, json.dumps(told | ({"sessionId": session} if session else {})).encode() + b"\0")
        ends_at = monotonic() + PATIENCE_SECONDS
        while True:
            message = self._next(ends_at)
            if message.get("id") != self._number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                result: dict[str, Any] = message["result"]
                return result

    def _next(self, ends_at: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, ends_at - monotonic()))
            read = os.read(self._in, 1 << 20) if ready else b""
            if not read:
                raise Closed
            self._buffer += read
        one, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        return message
