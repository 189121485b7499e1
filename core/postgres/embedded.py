"""The embedded PostgreSQL server: ask for its address, and it runs for as long as you do."""

import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from core.postgres import locks
from core.postgres.errors import EmbeddedPostgresFailed
from core.postgres.places import DEFAULT_DATA, PROJECT, Places
from core.postgres.server import DATABASE, SUPERUSER, programs

__all__ = ["BINARIES", "EmbeddedPostgresFailed", "url"]

# Where psql, pg_dump, pg_restore, pg_basebackup and pgbench are.
BINARIES = programs()

_used: dict[Path, int] = {}
_using = threading.Lock()


def url(data_dir: Path | None = None, *, durable: bool = True, linger_seconds: float = 5.0) -> str:
    """Ensure that the server of this data folder runs, until this process ends, and return its address.

    Every process that uses the server asks for itself; they share one. A child made by fork shares its parent's claim.

    units    linger_seconds: how long it stays after its last user; the first one's word counts, as with durable
    raises   EmbeddedPostgresFailed, in one line
    effects  data_dir defaults to .data/postgres in the project; as root, PostgreSQL runs as `nobody`, and where that
             account cannot enter the folder, data and programs move to /var/tmp (a link beside it tells where)
    """
    places = Places((data_dir or DEFAULT_DATA).absolute())
    try:
        places.data.parent.mkdir(parents=True, exist_ok=True)
        with _using:
            if places.data not in _used:
                # While a supervisor stops its server it owns this lock, so that no one comes in half way.
                _used[places.data] = locks.share(places.users)
        with locks.owned(places.starting):
            if not locks.is_owned(places.supervised):
                _start(places, durable=durable, linger_seconds=linger_seconds)
    except OSError as error:
        raise EmbeddedPostgresFailed(f"no place for the database: {error}") from error
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(places.sockets), safe='')}"


def _start(places: Places, *, durable: bool, linger_seconds: float) -> None:
    command = [sys.executable, "-m", "core.postgres.supervisor", str(places.data), f"--linger-seconds={linger_seconds}"]
    started = subprocess.run(
        command if durable else [*command, "--unsafe"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT, check=False,
    )  # fmt: skip
    lines = started.stdout.split("\n")
    if "ready" not in lines:
        last = [line for line in lines if line.strip()][-1:] or ["it said nothing"]
        raise EmbeddedPostgresFailed(f"the embedded PostgreSQL did not start: {last[0]}")
