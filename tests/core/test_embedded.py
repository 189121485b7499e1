"""The embedded server under the people who use it: started, shared, killed, and gone when nobody is left."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from core.postgres import account, embedded, server
from core.postgres.places import PROJECT, Places

LINGER_SECONDS = 0.3
PATIENCE_SECONDS = 30

USER = """
import sys
from pathlib import Path
from core.postgres import embedded
try:
    print(embedded.url(Path(sys.argv[1]), durable=False, linger_seconds=float(sys.argv[2])), flush=True)
except embedded.EmbeddedPostgresFailed as error:
    print("failed:", error, flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the server until it is killed."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data), str(LINGER_SECONDS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT,
        )  # fmt: skip

    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can enter: pytest's own are for their owner only."""
    folder = Path(tempfile.mkdtemp(prefix="pocketful-test-"))
    folder.chmod(0o755)
    yield folder
    for process in _processes(folder):
        process.kill()
    for link in folder.rglob("*"):
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(Places(folder / "db").sockets, ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture
def user(folder: Path) -> Iterator[Callable[[], User]]:
    users: list[User] = []

    def make(data: Path = folder / "db") -> User:
        users.append(User(data))
        return users[-1]

    yield make
    for each in users:
        each.kill()


def test_concurrent_first_users_share_one_server(folder: Path, user: Callable[[], User]) -> None:
    users = [user() for _ in range(4)]
    urls = {each.url() for each in users}

    assert len(urls) == 1
    assert len(_postmasters(folder)) == 1
    with psycopg.connect(urls.pop()) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('TimeZone'), current_database()"
        ).fetchone()
    assert row == (18, "UTC", "pocketful")


def test_server_stops_after_its_last_user_is_killed_and_keeps_its_data(folder: Path, user: Callable[[], User]) -> None:
    first, second = user(), user()
    address = first.url()
    assert second.url() == address
    _write(address, 1)

    first.kill()
    assert _read(address) == [1]
    second.kill()
    _until(lambda: not _processes(folder))

    assert _read(user().url()) == [1]


def test_everything_killed_at_once_is_recovered_from(folder: Path, user: Callable[[], User]) -> None:
    one = user()
    address = one.url()
    _write(address, 7)

    one.kill()
    for process in _processes(folder):
        process.kill()

    assert _read(user().url()) == [7]


def test_killed_server_comes_back_under_its_users(folder: Path, user: Callable[[], User]) -> None:
    address = user().url()
    _write(address, 3)

    (postmaster,) = _postmasters(folder)
    postmaster.kill()
    _until(lambda: _postmasters(folder) not in ([], [postmaster]) and _answers(address))

    assert _read(address) == [3]


def test_server_that_lost_its_supervisor_is_found_again_and_stopped(folder: Path, user: Callable[[], User]) -> None:
    one = user()
    address = one.url()
    (postmaster,) = _postmasters(folder)
    for process in _processes(folder):
        if "core.postgres.supervisor" in process.cmdline():
            process.kill()
            _until(lambda gone=process: not gone.is_running() or gone.status() == psutil.STATUS_ZOMBIE)

    other = user()
    assert other.url() == address
    assert _postmasters(folder) == [postmaster]

    one.kill()
    other.kill()
    _until(lambda: not _processes(folder))


def test_reused_process_number_in_a_stale_pid_file_does_not_stop_the_start(
    folder: Path, user: Callable[[], User]
) -> None:
    one = user()
    one.url()
    one.kill()
    _until(lambda: not _processes(folder))
    (folder / "db" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'db'}\n1\n5432\n\n\n\nready\n")

    assert _answers(user().url())


def test_folder_with_a_path_longer_than_a_socket_allows(folder: Path, user: Callable[..., User]) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)

    address = user(deep / "db").url()

    assert _answers(address)
    shutil.rmtree(Places(deep / "db").sockets, ignore_errors=True)


def test_another_version_s_data_is_refused_in_one_line(folder: Path, user: Callable[[], User]) -> None:
    (folder / "db").mkdir()
    (folder / "db" / "PG_VERSION").write_text("16\n")

    assert "made by PostgreSQL 16, not 18" in user().url()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the server's account may not enter")
def test_folder_that_only_root_may_enter_stays_so(folder: Path, user: Callable[..., User]) -> None:
    folder.chmod(0o700)

    address = user(folder / "db").url()

    assert _answers(address)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "db.elsewhere").resolve().is_relative_to(account.ELSEWHERE)
    (postmaster,) = _postmasters((folder / "db.elsewhere").resolve())
    assert postmaster.username() != pwd.getpwuid(0).pw_name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the server's account may not enter")
def test_programs_out_of_reach_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    package = embedded.BINARIES.parents[1]
    for each in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(each, hidden / each.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(server, "programs", lambda: hidden / embedded.BINARIES.relative_to(package.parent))

    copied = server.Server.at(Places(folder / "db"), durable=False)

    assert copied.programs.is_relative_to(account.ELSEWHERE)
    assert hidden.stat().st_mode & 0o777 == 0o700
    copied.stop(copied.ensure_running())


def test_remove_refuses_a_server_in_use_and_else_leaves_nothing_elsewhere(
    folder: Path, user: Callable[[], User]
) -> None:
    one = user()
    one.url()
    remove = [sys.executable, "-m", "core.postgres.remove", str(folder)]
    refused = subprocess.run(remove, cwd=PROJECT, capture_output=True, text=True, check=False)
    one.kill()
    subprocess.run(remove, cwd=PROJECT, check=True)

    assert "is in use" in refused.stderr
    assert _processes(folder) == []
    assert not Places(folder / "db").sockets.exists()


def _write(address: str, value: int) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _read(address: str) -> list[int]:
    with psycopg.connect(address) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept")]


def _answers(address: str) -> bool:
    try:
        with psycopg.connect(address) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _processes(folder: Path) -> list[psutil.Process]:
    """Supervisors and servers of this folder; not the users."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(str(folder) in word for word in words) and USER not in words:
            found.append(process)
    return found


def _postmasters(folder: Path) -> list[psutil.Process]:
    """Servers without their children: one that was forked just now still bears its parent's command line."""
    servers = {}
    for process in _processes(folder):
        try:
            if Path(process.cmdline()[0]).name == "postgres":
                servers[process.pid] = (process, process.ppid())
        except (psutil.Error, IndexError):  # it has ended, or is about to
            continue
    return [process for process, parent in servers.values() if parent not in servers]


def _until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "waited too long"
        time.sleep(0.05)
