"""A second process beside the play, so that both cores of a small machine have work.

While a day's baskets are taken it follows the log for the readers on which the play does not wait. It is told when: the
open transaction of a reader would hold back what the play's own readers may see.

Run by `Beside` as `python -m app.demo.beside`; it ends when its input does, also when the play is killed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from core.events import Reader, readers
from core.events.log import SLOTS
from core.settings import Settings
from engage.results import reading as results

PROJECT = Path(__file__).resolve().parents[2]
_DONE = b"done\n"


class BesideFailed(Exception):
    """The process beside the play has ended; its error stands above."""


class Beside:
    """The play's end of the line to the process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._is_reading = False

    def read(self, now: datetime) -> None:
        """Let it follow the log to about its present end, as of this simulated time, while the play goes on."""
        assert self._process.stdin
        self.wait()
        try:
            self._process.stdin.write(now.isoformat().encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise BesideFailed from error
        self._is_reading = True

    def wait(self) -> None:
        """Until it has read what it was told to read.

        raises  BesideFailed
        """
        assert self._process.stdout
        if self._is_reading and self._process.stdout.readline() != _DONE:
            raise BesideFailed
        self._is_reading = False


@contextmanager
def beside(settings: Settings) -> Iterator[Beside]:
    """The process over the demo's database, for the length of the block."""
    environment = {**os.environ, "DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "app.demo.beside"]
    pipe = subprocess.PIPE
    # In a session of its own: Ctrl-C is for the play, and the end of its input ends this process.
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, start_new_session=True
    ) as process:
        line = Beside(process)
        try:
            yield line
            line.wait()
        except BaseException:
            process.kill()  # what it has in hand is rolled back, and the play counts as none anyway
            raise


def shared(everyone: Sequence[Reader]) -> tuple[list[Reader], list[Reader]]:
    """The readers that the play drives itself, since the journeys' days hang on them, and those read beside it."""
    own = [reader for reader in everyone if reader.name.startswith("engage.") and reader.name != results.READER]
    return own, [reader for reader in everyone if reader not in own]


def main() -> None:
    # Loaded here alone: the play itself has the house open already.
    from app import start, wiring

    start.open_house(Settings.from_env())
    _, mine = shared(wiring.READERS)
    while line := sys.stdin.buffer.readline():
        now = datetime.fromisoformat(line.decode().strip())
        for reader in mine:
            # The play adds to the log all the while: to follow it to the very end would be many small batches.
            while readers.run_batch(reader, now=now, slots=SLOTS) >= reader.limit // 2:
                pass
        sys.stdout.buffer.write(_DONE)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
