"""Who runs the server. PostgreSQL refuses to run as root, so root lends it to an account that may do nothing."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.postgres.errors import EmbeddedPostgresFailed

# A bare environment: PGDATA, PGPORT and their like, or a language that speaks in the log, must not leak in.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

# Kept over a restart of the machine, unlike /tmp.
ELSEWHERE = Path("/var/tmp")

# The wheel brings an older PostgreSQL as well.
NOT_COPIED = shutil.ignore_patterns("include", "pginstall", "__pycache__")


@dataclass(frozen=True)
class Account:
    """The operating system's account that owns the data. `lent` means that we are root and it is another's."""

    name: str
    uid: int
    gid: int
    lent: bool

    def run(self, command: Sequence[str | Path], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as this account and return it with its two outputs in stdout, whatever its exit status."""
        try:
            return subprocess.run(
                command, input=stdin or "", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
                env=ENVIRONMENT, check=False, user=self._user, group=self._group, extra_groups=self._extra_groups,
            )  # fmt: skip
        except OSError as error:
            # As a shell does for what it may not execute.
            return subprocess.CompletedProcess(command, 126, f"{error} (as {self.name})")

    def start(self, command: Sequence[str | Path], *, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a command as this account, in a session of its own, so that a Ctrl-C meant for us passes it by."""
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, cwd="/",
            start_new_session=True, user=self._user, group=self._group, extra_groups=self._extra_groups,
        )  # fmt: skip

    def can_enter(self, folder: Path) -> bool:
        return not self.lent or self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0

    def own(self, folder: Path) -> Path:
        """Make the folder, for this account's eyes only."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.lent:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        state = folder.lstat()
        if folder.is_symlink() or state.st_uid != self.uid:
            raise EmbeddedPostgresFailed(f"{folder} belongs to someone else: remove it or set DATABASE_URL")
        folder.chmod(0o700)
        return folder

    @property
    def _user(self) -> int | None:
        return self.uid if self.lent else None

    @property
    def _group(self) -> int | None:
        return self.gid if self.lent else None

    @property
    def _extra_groups(self) -> list[int] | None:
        return [] if self.lent else None


def current() -> Account:
    """The account to use: our own, or for root the one that may do nothing.

    raises   EmbeddedPostgresFailed if root finds no such account
    """
    if os.geteuid() != 0:
        return Account(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), lent=False)
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, lent=True)
    raise EmbeddedPostgresFailed(
        "PostgreSQL does not run as root and there is no account 'nobody' to lend it to: set DATABASE_URL"
    )


def elsewhere(link: Path) -> Path:
    """The folder in /var/tmp that `link` points to, made when it is not there.

    A fixed name would be simpler, but there anyone may have made it first.
    """
    if link.is_symlink() and link.is_dir():
        return link.resolve()
    link.unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="pocketful-", dir=ELSEWHERE))
    folder.chmod(0o755)
    link.symlink_to(folder)
    return folder


def copy_of(folders: Sequence[Path], link: Path) -> Path:
    """A folder with copies of these that every account can read, in the place that `link` points to."""
    copies = elsewhere(link) / "copies"
    if not copies.is_dir():
        unfinished = copies.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in folders:
            shutil.copytree(folder, unfinished / folder.name, symlinks=True, ignore=NOT_COPIED)
        for path in (unfinished, *unfinished.rglob("*")):
            # A strict umask may have installed files that only root can read.
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
        unfinished.rename(copies)
    return copies
