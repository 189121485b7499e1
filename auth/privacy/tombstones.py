"""The register of erasures: a file that no backup of the database takes back.

One line an erasure, written before anything is dropped. A restored backup knows the customer again; whoever opens it
reads the register first and erases anew (`restoring`). Lines are chained by SHA-256, so that one taken out shows. They
hold the customer's pseudonymous id, as the ledger does, and nothing else of them.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from auth.privacy.models import Erasure
from core.errors import ConfigurationError
from core.settings import Settings

_ORIGIN = "0" * 64


@dataclass(frozen=True, slots=True)
class Tombstone:
    """token: HMAC of what the receipt is asked for with; chain: SHA-256 of the line before and of this one."""

    number: int
    erasure_id: str
    customer_id: str
    token: str
    asked_by: str
    asked_at: str
    chain: str


_path: Path | None = None


def load(settings: Settings) -> None:
    """Take the register's place; the file is made by the first erasure."""
    global _path
    _path = settings.erasure_register_path


def append(erasure: Erasure) -> Tombstone:
    """Write an erasure down for good: flushed to the disk when this returns. One that stands there stays as it is.

    raises  ConfigurationError where the register is damaged; OSError where it cannot be written
    """
    with _locked() as file:
        last: Tombstone | None = None
        for stone in _parsed(file):
            if stone.erasure_id == str(erasure.id):
                return stone
            last = stone
        stone = _next(last, erasure)
        file.write(json.dumps(asdict(stone)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    _flush_folder()
    return stone


def read() -> list[Tombstone]:
    """Every erasure there ever was, oldest first.

    raises  ConfigurationError where a line is missing or another than it was
    """
    if not _place().exists():
        return []
    with _locked() as file:
        return list(_parsed(file))


def _next(last: Tombstone | None, erasure: Erasure) -> Tombstone:
    said = {
        "number": last.number + 1 if last else 1,
        "erasure_id": str(erasure.id),
        "customer_id": str(erasure.customer_id),
        "token": erasure.token.hex(),
        "asked_by": erasure.asked_by,
        "asked_at": erasure.asked_at.isoformat(),
    }
    return Tombstone(**said, chain=_chained(last.chain if last else _ORIGIN, said))  # type: ignore[arg-type]


def _parsed(file: IO[str]) -> Iterator[Tombstone]:
    file.seek(0)
    chain = _ORIGIN
    for number, line in enumerate(file, start=1):
        try:
            stone = Tombstone(**json.loads(line))
            UUID(stone.customer_id), UUID(stone.erasure_id), bytes.fromhex(stone.token)
            datetime.fromisoformat(stone.asked_at)
        except (ValueError, TypeError) as error:
            raise _damaged(number) from error
        said = asdict(stone)
        if stone.number != number or said.pop("chain") != _chained(chain, said):
            raise _damaged(number)
        chain = stone.chain
        yield stone


def _chained(chain: str, said: dict[str, Any]) -> str:
    return hashlib.sha256(f"{chain}{json.dumps(said, sort_keys=True)}".encode()).hexdigest()


def _damaged(number: int) -> ConfigurationError:
    return ConfigurationError(f"ERASURE_REGISTER is damaged at line {number}: bring the file back as it was")


@contextmanager
def _locked() -> Iterator[IO[str]]:
    """The file, to ourselves among all processes that share it."""
    place = _place()
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _flush_folder() -> None:
    """A new file is not safe before its folder is."""
    folder = os.open(_place().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _place() -> Path:
    if _path is None:
        raise RuntimeError("load(settings) comes before any erasure")
    return _path
