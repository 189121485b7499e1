"""The product as it is run: server and worker processes over this test's database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60

StartProcess = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_process(database: None, settings: Settings) -> Iterator[StartProcess]:
    """Start `python ARGS` over this test's database, with more environment; killed with its children at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: str, **environment: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "ENVIRONMENT": "test", "DATABASE_URL": settings.database_url, **environment}
        process = subprocess.Popen([sys.executable, *args], cwd=PROJECT, env=env, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def server(start_process: StartProcess) -> str:
    """Two server processes behind one address, as `flask serve` starts them; the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start_process("-m", "flask", "--app", "wsgi", "serve", "--port", str(port), "--processes", "2")
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: process.poll() is not None or answers(f"{address}/readyz"), within_seconds=START_SECONDS)
    assert process.poll() is None, "the server ended while it started"
    return address


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(condition: Callable[[], bool], *, within_seconds: float) -> None:
    """Wait for a condition, asking ever more rarely.

    raises  AssertionError when it does not come in time
    """
    deadline = time.monotonic() + within_seconds
    pause = 0.01
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_seconds} s"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
