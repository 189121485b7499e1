"""A second process beside the play, so that both cores of a small machine have work.

While a day's baskets are taken it keeps the customers' profiles. While the journeys then react to that day it follows
the log for the readers on which they do not wait.

Run by `Beside` as `python -m app.demo.beside`; it ends when its input does, also when the play is killed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core.events import Reader, readers
from core.events.log import SLOTS
from core.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
_DONE = b"done\n"
_AT_ONCE = 2_000


class BesideFailed(Exception):
    """The process beside the play has ended; its error stands above."""


class Beside:
    """The play's end of the line to the process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._is_reading = False

    def read(self, share: str, now: datetime) -> None:
        """Let a share of the readers follow the log to about its present end, as of this simulated time, meanwhile."""
        assert self._process.stdin
        self.wait()
        try:
            self._process.stdin.write(f"{share} {now.isoformat()}\n".encode())
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


#: The readers that the journeys' day hangs on, the first of which is read here while baskets are taken; and the others.
PROFILES, OTHERS = "profiles", "others"
_PROFILES, _JOURNEYS = "insights.profiles", "engage.journeys"


def whole(reader: Reader) -> Reader:
    """The same one with larger batches: nobody waits here for one to end."""
    return replace(reader, limit=_AT_ONCE)


def of_journeys(everyone: Sequence[Reader]) -> list[Reader]:
    """Those that the play drives itself at a day's end, in this order: what the first keeps is what the second asks."""
    return [reader for name in (_PROFILES, _JOURNEYS) for reader in everyone if reader.name == name]


def shares(everyone: Sequence[Reader]) -> dict[str, list[Reader]]:
    own = of_journeys(everyone)
    return {PROFILES: own[:1], OTHERS: [reader for reader in everyone if reader not in own]}


def main() -> None:
    # Loaded here alone: the play itself has the house open already.
    from app import start, wiring

    start.open_house(Settings.from_env())
    mine = shares([whole(reader) for reader in wiring.READERS])
    while line := sys.stdin.buffer.readline():
        share, now = line.decode().split()
        for reader in mine[share]:
            # The play adds to the log all the while: to follow it to the very end would be many small batches.
            taken = reader.limit
            while taken >= reader.limit // 4:
                taken = readers.run_batch(reader, now=datetime.fromisoformat(now), slots=SLOTS, is_alone=True)
        sys.stdout.buffer.write(_DONE)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
