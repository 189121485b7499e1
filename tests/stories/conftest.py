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
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.start import make_ready
from auth import tokens
from auth.privacy import tombstones
from core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 120

StartProcess = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_process(database: None, settings: Settings) -> Iterator[StartProcess]:
    """Start `python ARGS` over this test's database, with more environment; killed with its children at the end."""
    with _nursery(settings) as start:
        yield start


@pytest.fixture
def server(start_process: StartProcess) -> str:
    """Two server processes behind one address, as `flask serve` starts them; the address."""
    return _serve(start_process)


@pytest.fixture(scope="module")
def _lasting_server(settings: Settings, sweeper: psycopg.Connection) -> Iterator[str]:
    sweeper.execute("SELECT testing.empty_tables()")
    with _nursery(settings) as start:
        yield _serve(start)


@pytest.fixture
def lasting_server(_lasting_server: str, database: None, settings: Settings) -> str:
    """As `server`, started once for the tests of a file: a start costs ten seconds of CPU. It may remember what
    an earlier one of them wrote."""
    tokens.load_key(settings)
    tombstones.load(settings)
    make_ready()  # what a server writes as it starts was emptied with the rest
    return _lasting_server


@contextmanager
def _nursery(settings: Settings) -> Iterator[StartProcess]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: str, **environment: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "ENVIRONMENT": "test", "DATABASE_URL": settings.database_url, **environment}
        process = subprocess.Popen([sys.executable, *args], cwd=PROJECT, env=env, start_new_session=True)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _serve(start: StartProcess) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start("-m", "flask", "--app", "wsgi", "serve", "--port", str(port), "--processes", "2")
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
