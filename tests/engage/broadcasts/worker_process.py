"""Workers that die: for each number read, one is forked, which prepares broadcasts and kills itself with kill -9 before
its n-th statement; 0 lets it live until nothing is due.

`python -m tests.engage.broadcasts.worker_process DATABASE_URL` answers each line with the worker's exit status.
"""

import os
import signal
import sys
from typing import Any

import psycopg

from app import start
from core import clock, db
from core.settings import Settings
from engage.broadcasts import work


def main(database_url: str) -> None:
    settings = Settings(environment="test", database_url=database_url)
    # Once for all of them; a connection must not be shared over a fork.
    start.open_house(settings)
    db.close_database()
    for line in sys.stdin:
        worker = os.fork()
        if worker == 0:
            _prepare_all(settings, dies_at=int(line))
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the test reads it


def _prepare_all(settings: Settings, *, dies_at: int) -> None:
    db.open_database(settings)
    if dies_at:
        _die_at(dies_at)
    while work.work_off(clock.now()):
        pass


def _die_at(number: int) -> None:
    """Both of the house's ways to the server come through here: the ORM's cursors and our own calls."""
    execute, seen = psycopg.Cursor.execute, 0

    def counting(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *given, **named)

    psycopg.Cursor.execute = counting  # type: ignore[method-assign]


if __name__ == "__main__":
    main(*sys.argv[1:])
