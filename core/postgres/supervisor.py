"""Keeps one embedded server up for as long as anyone uses it: `python -m core.postgres.supervisor DATA …`.

It detaches from whoever started it, prints one line (`ready`, or why not), and stops the server a few seconds after the
last user is gone. A process that is killed cannot say goodbye, but the kernel drops its lock.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from core.postgres import locks
from core.postgres.errors import EmbeddedPostgresFailed
from core.postgres.places import Places
from core.postgres.server import Server

LOOK_SECONDS = 0.25


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m core.postgres.supervisor", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--unsafe", action="store_true", help="do not wait for the disk")
    parser.add_argument("--linger-seconds", type=float, default=5.0)
    options = parser.parse_args(arguments)
    if os.fork():
        # The starter waits for this process, so none is left behind for it to bury.
        return 0

    os.setsid()
    os.chdir("/")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    places = Places(options.data)
    supervised = locks.try_to_own(places.supervised)
    if supervised is None:
        print("another supervisor holds this server", flush=True)
        return 1
    os.truncate(supervised, 0)
    os.write(supervised, str(os.getpid()).encode())
    try:
        server = Server.at(places, durable=not options.unsafe)
        process = server.ensure_running()
    except (EmbeddedPostgresFailed, OSError) as error:
        print(str(error).replace("\n", " "), flush=True)
        return 1
    _answer_ready(places)
    try:
        users = _keep_up(server, process, linger_seconds=options.linger_seconds)
    finally:
        last = server.process()
        if last is not None:
            server.stop(last)
    # In this order: whoever waits for `users` must find no supervisor.
    os.close(supervised)
    os.close(users)
    return 0


def _answer_ready(places: Places) -> None:
    print("ready", flush=True)
    log = os.open(places.log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _keep_up(server: Server, process: psutil.Process, *, linger_seconds: float) -> int:
    """Return when nobody has used the server for that long, holding off new users by an exclusive lock."""
    lonely_since: float | None = None
    while True:
        if not _alive(process):
            process = server.ensure_running()
        users = locks.try_to_own(server.places.users)
        if users is None:
            lonely_since = None
        else:
            lonely_since = lonely_since or time.monotonic()
            if time.monotonic() - lonely_since >= linger_seconds:
                return users
            os.close(users)
        time.sleep(LOOK_SECONDS)


def _alive(process: psutil.Process) -> bool:
    try:
        process.wait(0)
    except psutil.TimeoutExpired:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
