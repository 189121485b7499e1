"""Serving what was played: the API and a worker as child processes, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console

from app.cli import server_command
from app.demo import trying
from core import db
from core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
PROCESSES = 2
READY_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 5


def serve(settings: Settings, *, host: str, port: int, console: Console) -> int:
    """Run both until Ctrl-C (0) or until one of them ends by itself (1); neither is left behind.

    effects  prints what to try, once the API answers
    """
    suggestions = trying.suggestions(settings, base_url=f"http://{host}:{port}")
    # This process stays the embedded server's user; its own connections are not needed any more.
    db.close_database()
    # Also SIGINT, which a shell has its background jobs ignore.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    environment = {**os.environ, "DATABASE_URL": settings.database_url}
    worker_command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in (server_command(host, port, PROCESSES), worker_command):
            # Each leads a group of its own: Ctrl-C is passed on by us, and none of its own children stays behind.
            children.append(subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True))
        if _answers(f"http://{host}:{port}/readyz", children):
            console.print(suggestions, markup=False, highlight=False, soft_wrap=True)
        _wait_for_one(children)
        console.print("The API or the worker has ended; stopping the other.")
        return 1
    except KeyboardInterrupt:
        console.print("Stopping.")
        return 0
    finally:
        _stop(children)


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _answers(url: str, children: list[subprocess.Popen[bytes]]) -> bool:
    """Whether the API comes to answer while its processes live."""
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until and all(child.poll() is None for child in children):
        try:
            with urlopen(url, timeout=2) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            time.sleep(0.1)
    return False


def _wait_for_one(children: list[subprocess.Popen[bytes]]) -> None:
    while all(child.poll() is None for child in children):
        time.sleep(0.5)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(timeout=STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
