"""A PostgreSQL server of its own, in a folder of its own, so that killing it harms nobody; it waits for the disk."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from core.postgres.places import PROJECT, Places
from core.postgres.server import DATABASE, SUPERUSER, Server


class Database:
    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(server.places.sockets), safe='')}"

    def start(self) -> None:
        """Up again, with what it had committed; nothing when it is up."""
        self._server.ensure_running()

    def kill(self) -> None:
        """The postmaster dies at once; its children notice in a moment."""
        process = self._server.process()
        if process is not None:
            process.kill()
            process.wait(30)

    def stop(self) -> None:
        process = self._server.process()
        if process is not None:
            self._server.stop(process)


@contextmanager
def own_database() -> Iterator[Database]:
    # Not in a folder that only its owner may enter: for root the server runs as somebody else.
    folder = Path(tempfile.mkdtemp(prefix="pocketful-crash-"))
    folder.chmod(0o755)
    database = Database(Server.at(Places(folder / "db"), durable=True))
    try:
        database.start()
        yield database
    finally:
        database.stop()
        subprocess.run([sys.executable, "-m", "core.postgres.remove", str(folder)], cwd=PROJECT, check=False)
        for link in folder.iterdir():
            if link.is_symlink():
                shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(Places(folder / "db").sockets, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
